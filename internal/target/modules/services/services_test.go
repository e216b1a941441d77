package services

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestCron(t *testing.T)     { moduletest.Replay(t, All, "testdata/cron.json") }
func TestSystemd(t *testing.T)  { moduletest.Replay(t, All, "testdata/systemd.json") }
func TestSysvinit(t *testing.T) { moduletest.Replay(t, All, "testdata/sysvinit.json") }
