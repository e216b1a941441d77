package diag

var pages = map[Code]Page{}
