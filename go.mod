module github.com/troupe-automation/troupe

go 1.26
