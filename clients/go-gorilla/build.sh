#!/bin/sh
# Builds the client offline, from Debian's source package of the library.
set -eu

package=golang-github-gorilla-websocket-dev
export GO111MODULE=off GOPATH="${GOPATH_GORILLA:-/usr/share/gocode}"
if [ ! -d "$GOPATH/src/github.com/gorilla/websocket" ]; then
    echo "go-gorilla: no gorilla/websocket below $GOPATH: apt-get install $package" >&2
    exit 1
fi
# The receipt of what it is made of: the library does not tell its version.
version=$(dpkg-query --show --showformat '${Version}' "$package" 2>/dev/null || echo unknown)
exec go build -o go-gorilla -ldflags "-X main.libraryVersion=$version" main.go kit.go plan.go taker.go
