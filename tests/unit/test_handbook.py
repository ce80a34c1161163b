"""The page that leads from the team's own document to what is typed now: all of it, in both languages."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.unit.commands import anchors, headings, page, rows, unknown

ENGLISH, KOREAN = PAGES = ("docs/handbook.md", "docs/ko/handbook.md")

TITLES = """
## 목차
## 개요
### 프로젝트 정보
### 배포 목표
## 아키텍처 변경사항
### 이전 (단일 레포)
### 현재 (멀티 레포)
## 멀티레포 구조
### 1. Frontend (behindy-frontend)
### 2. Backend (behindy-backend)
### 3. LLMServer (behindy-llmserver)
### 4. Operations (behindy-ops)
## Blue/Green 배포 전략
### 개념
### 구현 방식
#### 1. Docker 컨테이너 네이밍 전략
#### 2. Nginx 라우팅
#### 3. 배포 프로세스
### 리소스 사용량
## CI/CD 파이프라인
### GitHub Actions 워크플로우
#### 전체 흐름
### 1. Build Job (GitHub-hosted)
### 2. Deploy Job (Self-hosted)
### Health Check 엔드포인트
## 리소스 관리
### 메모리 관리
### 디스크 관리
#### 이미지 정리 전략
#### 로그 관리
## 트러블슈팅
### 1. 배포 실패 시
#### 증상: Green 컨테이너 Health Check 실패
### 2. 메모리 부족 (OOM)
#### 증상
### 3. Docker Network 문제
#### 증상: 컨테이너 간 통신 불가
### 4. Nginx 라우팅 실패
#### 증상: 502 Bad Gateway
### 5. 이미지 정리 실패
#### 증상: 디스크 공간 부족
## 배포 체크리스트
### 배포 전
### 배포 중
### 배포 후
## 참고 자료
### 관련 문서
### 저장소
### 유용한 명령어
"""
"""The titles of the team's document, in its order: copied, since that is not in this repository."""

COMMANDS = """
docker exec nginx curl -sf http://frontend-green:3000
docker rename frontend frontend-blue
docker rename frontend-green frontend
docker images $USERNAME/behindy-frontend --format "{{.ID}} {{.CreatedAt}}"
sort -rk 2
awk 'NR>2 {print $1}'
xargs -r docker rmi -f || true
docker image prune -f
docker logs frontend-green --tail=100
docker exec frontend-green env | grep NEXT_PUBLIC
docker stop frontend-green
docker rm frontend-green
docker stop frontend-blue
free -h
swapon --show
docker network ls | grep behindy-ops_internal
docker inspect frontend-green | grep NetworkMode
docker network connect behindy-ops_internal frontend-green
docker logs nginx --tail=50
docker exec nginx curl -sf http://frontend:3000
docker system prune -a --volumes
docker image prune -a
docker images
docker images | grep behindy-frontend | awk '{print $3}' | xargs docker rmi -f
df -h
docker ps --format "table {{.Names}}\\t{{.Status}}\\t{{.Ports}}"
docker logs -f frontend
docker stats
docker network inspect behindy-ops_internal
"""
"""What that document has people type, line by line; the pipe that it writes on four lines without their ends."""

THINGS = """
NEXT_PUBLIC_API_URL NEXT_PUBLIC_AI_URL NEXT_PUBLIC_TOKEN_KEY NEXT_PUBLIC_REFRESH_TOKEN_KEY JWT_SECRET
SPRING_DATASOURCE_URL=jdbc:postgresql://db:5432/behindy SEOUL_METRO_API_KEY AI_SERVER_URL=http://llmserver:8000
AI_PROVIDER=openai OPENAI_API_KEY REDIS_URL=redis://redis:6379 docker-compose.yml nginx/nginx.conf
scripts/switch-upstream.sh scripts/deploy.sh .env MIGRATION_GUIDE.md README.md cache-from cache-to
docker/build-push-action@v4
"""
"""The names, files and values that it is about."""

STEPS = (
    "Determine deployment color",
    "Start new container",
    "Health check (internal)",
    "Switch Nginx upstream",
    "Health check (external)",
    "Stop old container",
    "Cleanup old images",
)
"""The steps of its workflow."""


def titles() -> list[tuple[int, str]]:
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", TITLES, re.MULTILINE)]


def test_the_korean_page_has_each_title_of_the_document_in_its_order() -> None:
    assert headings(page(KOREAN))[1:] == titles()


def test_the_english_page_has_each_with_the_korean_one_in_brackets() -> None:
    found = headings(page(ENGLISH))[1:]
    assert [level for level, _ in found] == [level for level, _ in titles()]
    for (_, english), (_, korean) in zip(found, titles(), strict=True):
        assert english == korean or english.endswith(f" ({korean})"), korean


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("command", COMMANDS.strip().splitlines())
def test_each_command_of_the_document_is_on_the_page(name: str, command: str) -> None:
    cell = command.replace("|", r"\|")
    assert f"`{cell}`" in page(name)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("thing", [*THINGS.split(), *STEPS])
def test_each_thing_it_names_is_on_the_page(name: str, thing: str) -> None:
    assert thing in page(name)


@pytest.mark.parametrize("name", PAGES)
def test_it_says_how_tags_and_cache_are_now_as_the_workflow_has_them(name: str) -> None:
    jobs = yaml.safe_load(page(".github/workflows/deploy-service.yml"))["jobs"]
    (build,) = (step["with"] for step in jobs["build"]["steps"] if step["name"] == "Build and push")
    told = {cells[0]: cells[1] for cells in rows(page(name)) if len(cells) == 2}
    (tags,) = (now for cell, now in told.items() if "`latest`" in cell and "`github.sha`" in cell)
    assert list(jobs)[-1] == "latest"
    assert tags.count("`latest`") == 2
    assert build["tags"].endswith(":${{ steps.commit.outputs.sha }}")
    cache = told["`cache-from`, `cache-to`"]
    for key in ("cache-from", "cache-to"):
        assert build[key].startswith("type=gha,")
    assert "`type=gha`" in cache
    assert "`mode=max`" in cache


@pytest.mark.parametrize("name", PAGES)
def test_the_limits_it_names_are_those_of_the_compose_file(name: str) -> None:
    services = yaml.safe_load(page("compose/docker-compose.yml"))["services"]
    limits = {each: int(stanza["mem_limit"].removesuffix("m")) for each, stanza in services.items()}
    apps = {each: limits[each] for each in ("frontend", "backend", "llmserver")}
    told = page(name).replace(",", "")
    assert "frontend {frontend} backend {backend} llmserver {llmserver}".format_map(apps) in told
    by_row = [[int(figure) for cell in cells[1:4] for figure in re.findall(r"\d+", cell)] for cells in rows(told)]
    assert [*apps.values()] in by_row
    assert [2 * limit for limit in apps.values()] in by_row
    listed = re.findall(r"(\d{3})[ /](\d{3})(?: and |/)(\d{3}) ?MB", told)
    assert [[*map(int, each)] for each in listed] == [[*apps.values()]] * 2
    whole = sum(limits.values())
    sums = {sum(apps.values()), whole, whole + max(apps.values())}
    assert set(map(int, re.findall(r"(?<!\d)[12]\d{3}(?!\d)", told))) == sums
    assert f"nginx {limits['nginx']}" in told


@pytest.mark.parametrize("name", PAGES)
def test_what_is_typed_instead_exists(name: str) -> None:
    assert unknown(page(name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_the_checklists_are_lists(name: str) -> None:
    parts = re.split(r"^### .*(?:배포 전|배포 중|배포 후).*\n", page(name), flags=re.MULTILINE)[1:]
    assert [part.partition("\n## ")[0].count("\n- [ ] ") for part in parts] == [7, 7, 5]


def test_both_languages_say_the_same() -> None:
    code = [[re.findall(r"`([^`]+)`", cells[0]) for cells in rows(page(name))] for name in PAGES]
    assert code[0] == code[1]


@pytest.mark.parametrize("name", PAGES)
def test_its_own_links_lead_to_its_headings(name: str) -> None:
    inside = re.findall(r"\]\(#([^)]+)\)", page(name))
    assert len(inside) >= 9
    assert set(inside) <= anchors(page(name))
