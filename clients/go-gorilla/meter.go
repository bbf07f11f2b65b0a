// The meter: a small shared file, where the harness reads from outside how far a client has
// come.
package main

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

const (
	magic       = "TICKMTR1"
	pageBytes   = 4096
	receivedAt  = 64
	processedAt = 128
	// From the counters of one connection to those of the next.
	strideBytes = 128
)

// meter is the mapped file.
type meter []byte

// counters returns the counters of a connection.
func (m meter) counters(connection int) (received, processed *uint64) {
	at := func(offset int) *uint64 {
		return (*uint64)(unsafe.Pointer(&m[offset+strideBytes*connection]))
	}
	return at(receivedAt), at(processedAt)
}

// openMeter maps the meter file; a plan without one gets memory that nobody reads.
func openMeter(path *string, connections int) (meter, error) {
	length := (strideBytes*(connections+1) + pageBytes - 1) / pageBytes * pageBytes
	if path == nil {
		return syscall.Mmap(-1, 0, length, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	}
	file, err := os.OpenFile(*path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, len(magic))
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := file.ReadAt(head, 0); err != nil || string(head) != magic || info.Size() != int64(length) {
		return nil, errors.New("not a meter file")
	}
	return syscall.Mmap(int(file.Fd()), 0, length, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}
