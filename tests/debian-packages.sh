#!/bin/sh
# Install what only Debian has and the tests use as independent checks. As an ordinary user, or without apt, say what will be skipped.
packages="ffmpeg gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad chromium chromium-driver fonts-wqy-microhei nftables faketime vlc-bin vlc-plugin-base rtsp-server-perl wrk unzip 7zip"
missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "tests that need these Debian packages will be skipped:$missing"
    exit 0
fi
echo "installing Debian packages for the tests:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
echo "they could not be installed; the tests that need them will be skipped"
