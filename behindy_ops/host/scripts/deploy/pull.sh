# lib: workspace login
# Pulls an image, the user's token on stdin, then describes it.
reference=$1 template=$4
login "$2" "$3"
docker pull "$reference" || exit 67
printf 'image '
docker image inspect --format "$template" "$reference"
