package value_test

import (
	"fmt"

	"github.com/troupe-automation/troupe/value"
)

// Values print as Python prints them.
func ExampleRepr() {
	v := value.NewList(value.Int(1), value.Float(2), value.Str("it's"), value.None, value.DictOf("k", value.True))
	s, err := value.Repr(v)
	fmt.Println(s, err)
	// Output: [1, 2.0, "it's", None, {'k': True}] <nil>
}

// Errors are Python's exceptions, with class and text.
func ExampleAdd() {
	_, err := value.Add(value.Str("a"), value.Int(1))
	fmt.Println(value.ErrorClass(err), err)
	// Output: TypeError can only concatenate str (not "int") to str
}

// Integers have no limit.
func ExamplePow() {
	v, err := value.Pow(value.Int(2), value.Int(100))
	s, _ := value.ToStr(v)
	fmt.Println(s, err)
	// Output: 1267650600228229401496703205376 <nil>
}

// FromGo and ToGo cross over from and to plain Go data.
func ExampleFromGo() {
	v, err := value.FromGo(map[string]any{"ports": []any{80, "443"}})
	if err != nil {
		panic(err)
	}
	s, _ := value.Repr(v)
	back, err := value.ToGo(v)
	fmt.Println(s, back, err)
	// Output: {'ports': [80, '443']} map[ports:[80 443]] <nil>
}
