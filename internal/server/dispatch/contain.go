package dispatch

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// contain lets a run have the image of its execution environment, unless that is the built-in one. Where there is no engine for it, lack tells so.
func (d *Dispatcher) contain(ctx context.Context, job domain.Record, spec *runner.Spec) (lack string, err error) {
	id := job.Int("execution_environment")
	if id == 0 {
		return "", nil
	}
	tx := d.DB.Read(ctx)
	env, err := tx.Get("execution_environment", id)
	if errors.Is(err, store.ErrNotFound) {
		return "", errors.New("the execution environment of this job is gone")
	}
	if err != nil || env.Bool("managed") {
		return "", err
	}
	if d.Engine == nil {
		lack = fmt.Sprintf("The execution environment %s (%s) is not used: there is no container engine on %s.", env.Str("name"), env.Str("image"), d.Node)
		if d.NeedEngine {
			return "", errors.New(lack)
		}
		return lack, nil
	}
	image := &runner.Image{Name: env.Str("image"), Pull: env.Str("pull"), Container: fmt.Sprintf("%d-%d", job.ID(), job.Int("attempt"))}
	if id := env.Int("credential"); id != 0 {
		c, err := tx.Get("credential", id)
		if err != nil {
			return "", err
		}
		in, err := d.inputs(ctx, tx, c)
		if err != nil {
			return "", err
		}
		image.Host, _ = in["host"].(string)
		image.Username, _ = in["username"].(string)
		image.Password, _ = in["password"].(string)
		verify, given := in["verify_ssl"].(bool)
		image.Plain = given && !verify
	}
	spec.Image, spec.Engine = image, d.Engine
	return "", nil
}
