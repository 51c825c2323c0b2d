#!/bin/sh
# Starts a packaged Unreal project with what the pod says of the stream. Its own arguments come last, so they win.
#
#   APPLICATION             executable; found below APPLICATION_FOLDER unless set
#   APPLICATION_FOLDER      the packaged project (/opt/application)
#   PIXEL_STREAMING_PLUGIN  PixelStreaming (4.27, 5.x) or PixelStreaming2 (5.5 and later)
#   SIGNAL_URL              the sidecar (ws://localhost:8888)
#   STREAMER_ID             name of the stream
#   RES_X RES_Y FRAME_RATE  picture
#   EXTRA_ARGS              arguments, separated by blanks; no quotation marks, since no shell reads them
#
# `--check` finds the executable and ends. Arguments of the container follow EXTRA_ARGS.
set -euf

fail() {
    echo "entrypoint: $1" >&2
    exit 64
}

# A packaged project has its executable below <Project>/Binaries/Linux; Engine/ there holds only what helps it.
find_application() {
    folder=${APPLICATION_FOLDER:-/opt/application}
    found=$(find "$folder" -type f -path '*/Binaries/Linux/*' ! -path '*/Engine/*' -perm -u+x \
        ! -name '*.so' ! -name '*.so.*' ! -name '*.sh' ! -name '*.debug' ! -name '*.sym' ! -name '*.target' \
        ! -name '*.modules' ! -name 'CrashReportClient*' | sort)
    [ -n "$found" ] || fail "no executable below $folder/<Project>/Binaries/Linux: is this a project packaged for Linux? Else set APPLICATION"
    case $found in
    *"
"*) fail "several executables, set APPLICATION to one of: $(echo "$found" | tr '\n' ' ')" ;;
    esac
    echo "$found"
}

number() {
    case $2 in
    '' | *[!0-9]*) fail "$1 is '$2', not a whole number" ;;
    esac
}

application=${APPLICATION:-}
[ -n "$application" ] || application=$(find_application)
[ -x "$application" ] || fail "$application cannot be executed"
if [ "${1:-}" = --check ]; then
    echo "$application"
    exit 0
fi

plugin=${PIXEL_STREAMING_PLUGIN:-PixelStreaming}
case $plugin in
PixelStreaming) url=-PixelStreamingURL older_url='' rate=-PixelStreamingWebRTCMaxFps ;;
# 5.5 and 5.6 take the older name, 5.7 and later the other; each warns of the one that it does not know, and goes on.
PixelStreaming2) url=-PixelStreamingConnectionURL older_url=-PixelStreamingSignallingURL rate=-PixelStreamingWebRTCFps ;;
*) fail "PIXEL_STREAMING_PLUGIN is '$plugin': use PixelStreaming or PixelStreaming2" ;;
esac

number RES_X "${RES_X:=1920}"
number RES_Y "${RES_Y:=1080}"
number FRAME_RATE "${FRAME_RATE:=30}"

# <Project>/Binaries/Linux/<executable>: the engine wants the project's name first, as its own launcher gives it.
project=$(basename "$(dirname "$(dirname "$(dirname "$application")")")")

# Unquoted where splitting is meant; `set -f` keeps * and ? as they are.
# shellcheck disable=SC2086
exec "$application" "$project" \
    -RenderOffscreen -Unattended -StdOut -FullStdOutLogOutput \
    -ForceRes -ResX="$RES_X" -ResY="$RES_Y" \
    "$url=${SIGNAL_URL:=ws://localhost:8888}" \
    ${older_url:+"$older_url=$SIGNAL_URL"} \
    ${STREAMER_ID:+"-PixelStreamingID=$STREAMER_ID"} \
    "$rate=$FRAME_RATE" \
    ${EXTRA_ARGS:-} "$@"
