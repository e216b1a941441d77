package runner

import (
	"runtime"
	"sync"
)

// starter is a goroutine that keeps its thread: the kernel ends a child with Pdeathsig when the thread that started it goes, and Go ends
// threads that are idle.
var starter = sync.OnceValue(func() chan func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range calls {
			f()
		}
	}()
	return calls
})

// startLocked starts a child that ends with this process, however it ends.
func startLocked(start func() error) error {
	done := make(chan error, 1)
	starter() <- func() { done <- start() }
	return <-done
}
