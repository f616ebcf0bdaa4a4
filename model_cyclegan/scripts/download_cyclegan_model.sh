#!/usr/bin/env bash
# Fetches a generator that CycleGAN's authors published and converts it for the bot:
#   model_cyclegan/scripts/download_cyclegan_model.sh summer2winter_yosemite
set -euo pipefail

name=${1:-}
case "$name" in
  summer2winter_yosemite | winter2summer_yosemite) ;;
  *)
    echo "usage: $0 summer2winter_yosemite|winter2summer_yosemite" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/../.."
url="http://efrosgans.eecs.berkeley.edu/cyclegan/pretrained_models/$name.pth"
file=$(mktemp)
trap 'rm -f "$file"' EXIT
curl --fail --location --retry 3 --output "$file" "$url"
"${PYTHON:-python}" -m model_cyclegan.convert "$file" "models_wts/$name.safetensors"
echo "models_wts/$name.safetensors"
