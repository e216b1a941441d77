package files

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestAssemble(t *testing.T)    { moduletest.Replay(t, All, "testdata/assemble.json") }
func TestBlockinfile(t *testing.T) { moduletest.Replay(t, All, "testdata/blockinfile.json") }
func TestCopy(t *testing.T)        { moduletest.Replay(t, All, "testdata/copy.json") }
func TestFile(t *testing.T)        { moduletest.Replay(t, All, "testdata/file.json") }
func TestFind(t *testing.T)        { moduletest.Replay(t, All, "testdata/find.json") }
func TestLineinfile(t *testing.T)  { moduletest.Replay(t, All, "testdata/lineinfile.json") }
func TestReplace(t *testing.T)     { moduletest.Replay(t, All, "testdata/replace.json") }
func TestSlurp(t *testing.T)       { moduletest.Replay(t, All, "testdata/slurp.json") }
func TestStat(t *testing.T)        { moduletest.Replay(t, All, "testdata/stat.json") }
