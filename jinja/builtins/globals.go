package builtins

import (
	"math/rand/v2"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// Globals returns the functions that every template can call.
func Globals() map[string]value.Value {
	fn := func(name string, f func(args []value.Value, kw []value.Kwarg) (value.Value, error)) value.Value {
		return &value.Func{Name: name, Fn: f}
	}
	return map[string]value.Value{
		"range": fn("range", func(args []value.Value, kw []value.Kwarg) (value.Value, error) {
			if len(kw) > 0 {
				return nil, value.TypeErrorf("range() takes no keyword arguments")
			}
			return value.NewRange(args...)
		}),
		"dict":      fn("dict", dict),
		"namespace": fn("namespace", namespace),
		"cycler":    fn("cycler", newCycler),
		"joiner":    fn("joiner", newJoiner),
		"lipsum":    &jinja.Global{Name: "generate_lorem_ipsum", Signature: "generate_lorem_ipsum(n=5, html=True, min=20, max=100)", Run: lipsum},
	}
}

func dict(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	if len(args) > 1 {
		return nil, value.TypeErrorf("dict expected at most 1 argument, got %d", len(args))
	}
	d := value.NewDict()
	if len(args) == 1 {
		var err error
		if d, err = value.ToDict(args[0]); err != nil {
			return nil, err
		}
	}
	for _, k := range kw {
		d.SetStr(k.Name, k.Val)
	}
	return d, nil
}

func namespace(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	v, err := dict(args, kw)
	if err != nil {
		return nil, err
	}
	return jinja.NewNamespace(v.(*value.Dict)), nil
}

// cycler is the object that cycler() gives.
type cycler struct {
	items []value.Value
	pos   int
}

func newCycler(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	if len(args) == 0 {
		return nil, value.Errorf("RuntimeError", "at least one item has to be provided")
	}
	return &cycler{items: append([]value.Value(nil), args...)}, nil
}

func (*cycler) TypeName() string { return "Cycler" }

func (c *cycler) GetAttr(name string) (value.Value, bool, error) {
	switch name {
	case "current":
		return c.items[c.pos], true, nil
	case "items":
		return value.NewTuple(c.items...), true, nil
	case "pos":
		return value.Int(c.pos), true, nil
	case "next", "__next__":
		return &value.Func{Name: name, Fn: func([]value.Value, []value.Kwarg) (value.Value, error) {
			v := c.items[c.pos]
			c.pos = (c.pos + 1) % len(c.items)
			return v, nil
		}}, true, nil
	case "reset":
		return &value.Func{Name: name, Fn: func([]value.Value, []value.Kwarg) (value.Value, error) {
			c.pos = 0
			return value.None, nil
		}}, true, nil
	}
	return nil, false, nil
}

// joiner is the object that joiner() gives.
type joiner struct {
	sep  value.Value
	used bool
}

func newJoiner(args []value.Value, kw []value.Kwarg) (value.Value, error) {
	j := &joiner{sep: value.Str(", ")}
	if len(args) > 0 {
		j.sep = args[0]
	}
	for _, k := range kw {
		if k.Name == "sep" {
			j.sep = k.Val
		}
	}
	return j, nil
}

func (*joiner) TypeName() string { return "Joiner" }

func (j *joiner) Call([]value.Value, []value.Kwarg) (value.Value, error) {
	if !j.used {
		j.used = true
		return value.Str(""), nil
	}
	return j.sep, nil
}

const lorem = "a ac accumsan ad adipiscing aenean aliquam aliquet amet ante aptent arcu at auctor augue bibendum blandit class commodo condimentum congue consectetuer consequat conubia convallis cras cubilia cum curabitur curae cursus dapibus diam dictum dictumst dignissim dis dolor donec dui duis egestas eget eleifend elementum elit enim erat eros est et etiam eu euismod facilisi facilisis fames faucibus felis fermentum feugiat fringilla fusce gravida habitant habitasse hac hendrerit hymenaeos iaculis id imperdiet in inceptos integer interdum ipsum justo lacinia lacus laoreet lectus leo libero ligula litora lobortis lorem luctus maecenas magna magnis malesuada massa mattis mauris metus mi molestie mollis montes morbi mus nam nascetur natoque nec neque netus nibh nisi nisl non nonummy nostra nulla nullam nunc odio orci ornare parturient pede pellentesque penatibus per pharetra phasellus placerat platea porta porttitor posuere potenti praesent pretium primis proin pulvinar purus quam quis quisque rhoncus ridiculus risus rutrum sagittis sapien scelerisque sed sem semper senectus sit sociis sociosqu sodales sollicitudin suscipit suspendisse taciti tellus tempor tempus tincidunt torquent tortor tristique turpis ullamcorper ultrices ultricies urna ut varius vehicula vel velit venenatis vestibulum vitae vivamus viverra volutpat vulputate"

func lipsum(c *jinja.Call) (value.Value, error) {
	var num [3]int
	for i, p := range []int{0, 2, 3} {
		n, err := index(c.Args[p])
		if err != nil {
			return nil, err
		}
		num[i] = max(n, 0)
	}
	html, err := value.Truth(c.Args[1])
	if err != nil {
		return nil, err
	}
	words := strings.Fields(lorem)
	if num[0] > 1000 || num[2] > 10000 {
		return nil, value.ValueErrorf("lipsum: too much text")
	}
	if num[2] <= num[1] {
		return nil, value.ValueErrorf("empty range for randrange() (%d, %d, %d)", num[1], num[2], num[2]-num[1])
	}
	var paragraphs []string
	for range num[0] {
		var p []string
		for range num[1] + rand.IntN(num[2]-num[1]) {
			p = append(p, words[rand.IntN(len(words))])
		}
		s := value.Capitalize(strings.Join(p, " ")) + "."
		if html {
			s = "<p>" + s + "</p>"
		}
		paragraphs = append(paragraphs, s)
	}
	if html {
		return value.Markup(strings.Join(paragraphs, "\n")), nil
	}
	return value.Str(strings.Join(paragraphs, "\n\n")), nil
}
