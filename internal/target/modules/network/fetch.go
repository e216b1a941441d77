package network

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/troupe-automation/troupe/module"
)

// Fetch downloads a URL for modules of other families that accept one as source. Of the call it uses the options that uri has
// and the environment. modules/all/web hands it to those modules, so that they need not link this package.
func Fetch(ctx context.Context, c *module.Call, url string) (io.ReadCloser, error) {
	q := request{method: "GET", url: url, follow: "all", timeout: fetchTimeout}
	res, err := q.do(ctx, c)
	if err != nil {
		return nil, err
	}
	if res.failed() {
		return nil, module.Fail("Failed to download "+url+": "+res.msg(), nil)
	}
	return io.NopCloser(bytes.NewReader(res.body)), nil
}

// fetchTimeout bounds a download; large archives over slow lines take a while.
const fetchTimeout = time.Hour
