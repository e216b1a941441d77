package callback

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
)

// notifyTimeout bounds how long a run waits for somebody who is told about it.
const notifyTimeout = 10 * time.Second

// setting is an option of a notification, as its plugin documents it. What cannot be read is None.
func (o Options) setting(s config.Setting) value.Value {
	if o.Option == nil {
		return value.None
	}
	return o.Option(&s)
}

// settingText is a setting as text, "" when it is not set.
func (o Options) settingText(s config.Setting) string {
	v := o.setting(s)
	if v == value.None {
		return ""
	}
	return str(v)
}

// settingList is a setting as a list of texts.
func (o Options) settingList(s config.Setting) []string {
	s.Type = "list"
	var out []string
	if l, ok := o.setting(s).(*value.List); ok {
		for _, e := range l.Elems {
			out = append(out, str(e))
		}
	}
	return out
}

// poster sends JSON to an address, which is a secret: it is in no message.
type poster struct {
	url    string
	header http.Header
	client *http.Client
}

func newPoster(address string, validateCerts bool) *poster {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: !validateCerts} //nolint:gosec // the user said so
	return &poster{url: address, header: http.Header{}, client: &http.Client{Timeout: notifyTimeout, Transport: transport}}
}

// post sends one document. Errors do not name the address.
func (p *poster) post(address string, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is no URL")
	}
	req.Header = p.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		var where *url.Error
		if errors.As(err, &where) {
			err = where.Err
		}
		return err
	}
	resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("HTTP Error %d: %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return nil
}
