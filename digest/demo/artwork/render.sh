#!/bin/sh
# Draws every SVG of this folder as ../data/images/NAME.png (600 × 400) with a local Chromium.
set -eu
cd "$(dirname "$0")"
for drawing in *.svg; do
    "${CHROMIUM:-chromium}" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=600,400 \
        --screenshot="$PWD/../data/images/${drawing%.svg}.png" "file://$PWD/$drawing" >/dev/null 2>&1
done
