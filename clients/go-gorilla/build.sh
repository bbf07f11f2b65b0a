#!/bin/sh
# Builds the client offline, from Debian's source package of the library.
# `sh build.sh test` and `sh build.sh bench` run its tests and its bench.
set -eu

package=golang-github-gorilla-websocket-dev
export GO111MODULE=off GOPATH="${GOPATH_GORILLA:-/usr/share/gocode}"
if [ ! -d "$GOPATH/src/github.com/gorilla/websocket" ]; then
    echo "no gorilla/websocket below $GOPATH: apt-get install $package" >&2
    exit 1
fi
sources="main.go run.go session.go stdio.go contract.go plan.go meter.go processor.go sequence.go"
case "${1:-build}" in
build)
    # For the hello: the library does not export its version.
    version=$(dpkg-query --show --showformat '${Version}' "$package" 2>/dev/null || echo unknown)
    exec go build -o go-gorilla -ldflags "-X main.libraryVersion=$version" $sources
    ;;
test) exec go test $sources ./*_test.go ;;
bench) exec go test -run '^$' -bench . -benchtime 15x $sources ./*_test.go ;;
*)
    echo "unknown command \`$1\`: choose build, test or bench" >&2
    exit 2
    ;;
esac
