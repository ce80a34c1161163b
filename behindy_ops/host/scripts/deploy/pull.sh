# lib: workspace login
# $1 image, $2 registry, $3 user or "", $4 image template; the user's token on stdin. Pulls the image, then describes it.
reference=$1 template=$4
login "$2" "$3"
docker pull "$reference" || exit 67
printf 'image '
docker image inspect --format "$template" "$reference"
