// A client of the tick bench in Go: gorilla/websocket, as its documentation
// shows it. A goroutine for each connection reads messages until the end.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/gorilla/websocket"
)

const (
	// How much to ask of the socket at a time; the same for every client.
	readBufferBytes = 128 << 10
	// The largest message that is taken; the same for every client.
	maxMessageBytes = 1 << 20
)

// Set by build.sh, as the library does not tell it.
var libraryVersion = "unknown"

func main() {
	nextReader := flag.Bool("next-reader", false, "read messages into one buffer that is used again")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument `%s`: there is only --next-reader\n", flag.Arg(0))
		os.Exit(2)
	}
	who := hello{
		Name:      "go-gorilla",
		Versions:  []string{runtime.Version(), "gorilla/websocket " + libraryVersion},
		Runtime:   "Go, a goroutine for each connection",
		Transport: "net.TCPConn (epoll)",
		Class:     "library",
	}
	os.Exit(play(who, func(s *session) (ending, error) { return client(s, *nextReader) }))
}

// client opens one connection and reads it to its end.
func client(s *session, nextReader bool) (ending, error) {
	stream, err := net.Dial("tcp", s.address)
	if err != nil {
		return ending{}, fmt.Errorf("cannot connect: %w", err)
	}
	if err := s.adopt(stream.(*net.TCPConn)); err != nil {
		return ending{}, err
	}
	dialer := websocket.Dialer{
		NetDial:        func(string, string) (net.Conn, error) { return stream, nil },
		ReadBufferSize: readBufferBytes,
	}
	conn, _, err := dialer.Dial(s.url, nil)
	if err != nil {
		return ending{}, fmt.Errorf("the WebSocket handshake failed: %w", err)
	}
	conn.SetReadLimit(maxMessageBytes)
	if err := s.ready(); err != nil {
		return ending{}, err
	}
	return readAll(conn, s.taker, nextReader), nil
}

// readAll reads until the end, whatever it is. The library answers pings and
// close frames while it is asked for messages.
func readAll(conn *websocket.Conn, t *taker, nextReader bool) ending {
	read := conn.ReadMessage
	if nextReader {
		read = intoOneBuffer(conn)
	}
	for {
		kind, payload, err := read()
		if err != nil {
			return endOf(err)
		}
		if !t.take(kind == websocket.TextMessage, payload) {
			return ending{asked: true}
		}
	}
}

// intoOneBuffer is ReadMessage without a new buffer for each message.
func intoOneBuffer(conn *websocket.Conn) func() (int, []byte, error) {
	var buffer bytes.Buffer
	return func() (int, []byte, error) {
		kind, reader, err := conn.NextReader()
		if err != nil {
			return kind, nil, err
		}
		buffer.Reset()
		_, err = buffer.ReadFrom(reader)
		return kind, buffer.Bytes(), err
	}
}

// endOf tells a close frame from any other end: for a stream that just ends
// the library makes up a close error with code 1006.
func endOf(err error) ending {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		return ending{code: closed.Code}
	}
	return ending{broken: err.Error()}
}
