package files

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/troupe-automation/troupe/module"
)

var slurp = &module.Module{
	Name: "ansible.builtin.slurp",
	Doc:  "Returns a file's content in base64.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "src", Type: module.TypePath, Required: true, Aliases: []string{"path"}},
		},
		CheckMode: true,
	},
	Returns: []string{"content", "source", "encoding"},
	Run: func(_ context.Context, c *module.Call) (module.Result, error) {
		src := c.Str("src")
		data, err := readUpTo(src, maxSlurp)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, module.Fail("file not found: "+src, nil)
		case errors.Is(err, fs.ErrPermission):
			return nil, module.Fail("file is not readable: "+src, nil)
		case errors.Is(err, syscall.EISDIR):
			return nil, module.Fail("source is a directory and must be a file: "+src, nil)
		case errors.Is(err, syscall.EFBIG):
			return nil, module.Fail(fmt.Sprintf("the file is too large for slurp, which returns up to %d MiB; fetch copies files of any size: %s", maxSlurp>>20, src), nil)
		case err != nil:
			return nil, module.Fail(fmt.Sprintf("unable to slurp file: %s", err), nil)
		}
		return module.Result{"content": base64.StdEncoding.EncodeToString(data), "source": src, "encoding": "base64"}, nil
	},
}

// maxSlurp bounds what a result holds in memory, several times over: here, on the way, and in the controller.
const maxSlurp = 128 << 20

// readUpTo reads a file of at most limit bytes, a larger one is EFBIG. (An error of its own would be a variable that is made at start,
// and for it the linker would keep the whole family in the image that needs one of it.) What the system says of the size is not asked:
// devices never end.
func readUpTo(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > limit {
		return nil, syscall.EFBIG
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, syscall.EFBIG
	}
	return data, err
}
