// Command conformance is the executor of the Go client: actions in on stdin, results out on stdout. What the cases are
// and how they are run is in tests/conformance.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/proto"

	pb "github.com/asktell/asktell/clients/go/internal/conformancepb"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// serve answers each action with one result until the input ends.
func serve(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	run := newExecutor()
	for {
		var action pb.Action
		err := read(reader, &action)
		if errors.Is(err, io.EOF) {
			run.reset()
			return nil
		}
		if err != nil {
			return err
		}
		result, err := run.execute(&action)
		if err != nil {
			if result, err = failed(err); err != nil {
				return err
			}
		}
		if err := write(out, result); err != nil {
			return err
		}
	}
}

func read(in io.Reader, message proto.Message) error {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return err
	}
	payload := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(in, payload); err != nil {
		return fmt.Errorf("the input was cut: %v", err)
	}
	return proto.Unmarshal(payload, message)
}

func write(out io.Writer, message proto.Message) error {
	payload, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(payload)), uint32(len(payload)))
	_, err = out.Write(append(frame, payload...))
	return err
}
