package main

import (
	"github.com/troupe-automation/troupe/internal/target/modules/all"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
	"os"
	"testing"
)

func TestX(t *testing.T) { moduletest.Replay(t, all.All, os.Getenv("CASES")) }
