# $1 host directory. Prints the sha256 of its .env, or none, and what is in it in base64.
file=$1/.env
[ -d "$1" ] || exit 80
[ -f "$file" ] || { echo "sha none"; exit 0; }
echo "sha $(sha256sum <"$file" | cut -d' ' -f1)"
echo "content $(base64 -w 0 "$file")"
