module github.com/troupe-automation/troupe

go 1.26.0

require (
	github.com/dlclark/regexp2 v1.11.5
	golang.org/x/crypto v0.58.0
)

require golang.org/x/sys v0.49.0 // indirect
