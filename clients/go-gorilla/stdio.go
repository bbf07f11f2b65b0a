// Lines on stdin and stdout.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
)

const (
	maxLineBytes = 1 << 20
	// Rows on a `samples` line.
	samplesPerLine = 2048
)

// writeLine writes a line of the contract to stdout.
func writeLine(line any) error {
	text, err := formatLine(line)
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	return err
}

// readLine returns the next line without its end; io.EOF when there is none.
func readLine(from *bufio.Reader) ([]byte, error) {
	line, err := from.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("a contract line is longer than %d bytes", maxLineBytes)
	}
	if err != nil && len(line) == 0 {
		return nil, err
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}
