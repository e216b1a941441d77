package network

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/troupe-automation/troupe/module"
)

// Fetch downloads a URL for modules of other families that accept one as source. Of the call it uses the options that uri has
// and the environment. modules/all/web hands it to those modules, so that they need not link this package.
func Fetch(ctx context.Context, c *module.Call, url string) (io.ReadCloser, error) {
	var f *os.File
	q := request{method: "GET", url: url, follow: "all", timeout: fetchTimeout, save: func(body io.Reader) error {
		var err error
		if f, err = os.CreateTemp(c.TmpDir, "fetched"); err != nil {
			return err
		}
		os.Remove(f.Name()) // it is there as long as it is open
		if _, err = io.Copy(f, body); err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		return err
	}}
	res, err := q.do(ctx, c)
	if err == nil && res.failed() {
		err = module.Fail("Failed to download "+url+": "+res.msg(), nil)
	}
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return f, nil
}

// fetchTimeout bounds the waiting for the other side, as where users can say it and do not.
const fetchTimeout = 10 * time.Second
