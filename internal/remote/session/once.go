package session

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/troupe-automation/troupe/internal/wire"
)

// Image is an agent for one machine.
type Image struct {
	File string   // this very program, when it is the agent; else ""
	Args []string // what makes the program the agent
	Data []byte   // the program
}

// Image gives the agent for a machine, by what uname -sm prints there.
func (p *Pool) Image(machine string) (*Image, error) {
	imgs, err := choose(false, p.cfg)
	if err != nil {
		return nil, err
	}
	data, _, err := imgs.load(machine, false)
	if err != nil {
		return nil, err
	}
	return &Image{File: imgs.file, Args: imgs.args, Data: data}, nil
}

// Once packs a call with all that it may ask for, as the agent takes it from a file (wire.Once). Become and Async are not
// part of it.
func Once(c Call) ([]byte, error) {
	m := message(c)
	m.Output = false
	o := wire.Once{Call: m}
	if c.Payload != nil {
		r, err := c.Payload.Open()
		if err != nil {
			return nil, err
		}
		o.Payload, err = io.ReadAll(r)
		r.Close()
		if err != nil {
			return nil, err
		}
	}
	if p := c.Python; p != nil {
		o.Blobs = map[string][]byte{p.Source.Hash: p.Source.Data}
		for _, b := range p.Libraries {
			o.Blobs[b.Hash] = b.Data
		}
	}
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("arguments of module %s: %w", c.Module, err)
	}
	return data, nil
}
