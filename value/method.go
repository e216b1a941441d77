package value

import "strings"

// method is one method of a built-in type. Its kind says how CPython reads its arguments, because the texts of arity
// errors differ by it.
type method struct {
	kind     argKind
	min, max int
	names    []string // parameter names of keyword methods
	fn       func(self Value, a []Value) (Value, error)
	raw      func(self Value, a []Value, kw []Kwarg) (Value, error)
}

type argKind uint8

const (
	noArgs     argKind = iota // "str.upper() takes no arguments (1 given)"
	oneArg                    // "str.join() takes exactly one argument (0 given)"
	positional                // "pop expected at most 1 argument, got 2"
	parsed                    // "startswith() takes at least 1 argument (0 given)"
	keywords                  // "split() takes at most 2 arguments (3 given)"
	anyArgs                   // reads its arguments itself
)

// Method is a bound method of a built-in type.
type Method struct {
	Self Value
	Name string
	m    *method
}

// TypeName is "builtin_function_or_method".
func (*Method) TypeName() string { return "builtin_function_or_method" }

// Repr is Python's spelling without an address.
func (m *Method) Repr() (string, error) {
	return "<built-in method " + m.Name + " of " + baseName(m.Self) + " object>", nil
}

func baseName(v Value) string {
	if IsString(v) {
		return "str"
	}
	return v.TypeName()
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// Call runs the method.
func (m *Method) Call(args []Value, kw []Kwarg) (Value, error) {
	d, name := m.m, m.Name
	full := baseName(m.Self) + "." + name
	n := len(args)
	if d.raw != nil {
		return d.raw(m.Self, args, kw)
	}
	if d.kind != keywords && len(kw) > 0 {
		switch d.kind {
		case noArgs, oneArg, positional, parsed:
			return nil, TypeErrorf("%s() takes no keyword arguments", full)
		}
	}
	switch d.kind {
	case noArgs:
		if n > 0 {
			return nil, TypeErrorf("%s() takes no arguments (%d given)", full, n)
		}
	case oneArg:
		if n != 1 {
			return nil, TypeErrorf("%s() takes exactly one argument (%d given)", full, n)
		}
	case positional:
		if n < d.min || n > d.max {
			bound, num := "at least ", d.min
			if n > d.max {
				bound, num = "at most ", d.max
			}
			if d.min == d.max {
				bound = ""
			}
			return nil, TypeErrorf("%s expected %s%d %s, got %d", name, bound, num, plural(num, "argument"), n)
		}
	case parsed:
		if n < d.min || n > d.max {
			bound, num := "at least", d.min
			if n > d.max {
				bound, num = "at most", d.max
			}
			if d.min == d.max {
				bound = "exactly"
			}
			return nil, TypeErrorf("%s() takes %s %d %s (%d given)", name, bound, num, plural(num, "argument"), n)
		}
	case keywords:
		return m.callKeywords(args, kw)
	}
	return d.fn(m.Self, args)
}

// callKeywords binds by name; absent parameters are nil.
func (m *Method) callKeywords(args []Value, kw []Kwarg) (Value, error) {
	d := m.m
	total := len(args) + len(kw)
	posMax := d.max
	if total > len(d.names) {
		if len(kw) == 0 || len(args) > posMax {
			return nil, TypeErrorf("%s() takes at most %d %s (%d given)", m.Name, len(d.names), plural(len(d.names), "argument"), total)
		}
		return nil, TypeErrorf("%s() takes at most %d %s (%d given)", m.Name, len(d.names), plural(len(d.names), "argument"), total)
	}
	if len(args) > posMax {
		if posMax == 0 {
			return nil, TypeErrorf("%s() takes no positional arguments", m.Name)
		}
		return nil, TypeErrorf("%s() takes at most %d positional %s (%d given)", m.Name, posMax, plural(posMax, "argument"), len(args))
	}
	bound := make([]Value, len(d.names))
	copy(bound, args)
next:
	for _, k := range kw {
		for i, n := range d.names {
			if n == k.Name {
				if i < len(args) {
					return nil, TypeErrorf("argument for %s() given by name ('%s') and position (%d)", m.Name, n, i+1)
				}
				bound[i] = k.Val
				continue next
			}
		}
		return nil, TypeErrorf("'%s' is an invalid keyword argument for %s()", k.Name, m.Name)
	}
	for i := range d.min {
		if bound[i] == nil {
			return nil, TypeErrorf("%s() missing required argument '%s' (pos %d)", m.Name, d.names[i], i+1)
		}
	}
	return d.fn(m.Self, bound)
}

// methodTable finds the methods of a value's type.
func methodTable(v Value) map[string]*method {
	switch v.(type) {
	case Str, Markup, NativeText, *Template, *Encrypted:
		return strMethods
	case *List:
		return listMethods
	case *Dict:
		return dictMethods
	case *Tuple:
		return tupleMethods
	case *Set:
		return setMethods
	case Int, Bool, *BigInt:
		return intMethods
	case Float:
		return floatMethods
	case Bytes:
		return bytesMethods
	case *Datetime:
		return datetimeMethods
	case *Date:
		return dateMethods
	case *Time:
		return timeMethods
	case *Timedelta:
		return timedeltaMethods
	case *Range:
		return rangeMethods
	}
	return nil
}

// HasMethod reports whether the type of that Python name ("dict", "str", "list") has a method or attribute called name.
func HasMethod(typeName, name string) bool {
	var t map[string]*method
	switch typeName {
	case "dict":
		t = dictMethods
	case "str":
		t = strMethods
	case "list":
		t = listMethods
	}
	return t[name] != nil || strings.HasPrefix(name, "__")
}

// builtinAttr is getattr for the types of this package.
func builtinAttr(v Value, name string) (Value, bool) {
	if m := methodTable(v)[name]; m != nil {
		switch s := v.(type) {
		case *Encrypted:
			text, err := s.Plain()
			if err != nil {
				return nil, false
			}
			v = Str(text)
		case *Template:
			v = Str(s.Text)
		case NativeText:
			v = Str(s)
		}
		return &Method{Self: v, Name: name, m: m}, true
	}
	if a, ok := dataAttr(v, name); ok {
		return a, true
	}
	switch name {
	case "__class__":
		return &TypeObject{Name: v.TypeName()}, true
	case "__len__":
		if _, err := Len(v); err == nil {
			return &Func{Name: name, Fn: func([]Value, []Kwarg) (Value, error) {
				n, err := Len(v)
				return Int(n), err
			}}, true
		}
	case "__str__", "__repr__":
		return &Func{Name: name, Fn: func([]Value, []Kwarg) (Value, error) {
			s, err := Repr(v)
			if name == "__str__" {
				s, err = ToStr(v)
			}
			return Str(s), err
		}}, true
	case "__doc__":
		return None, true
	case "__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__",
		"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__":
		return operatorMethod(v, name)
	case "__contains__":
		if IsIterable(v) {
			return &Func{Name: name, Fn: func(a []Value, _ []Kwarg) (Value, error) {
				if len(a) != 1 {
					return nil, TypeErrorf("%s.__contains__() takes exactly one argument (%d given)", v.TypeName(), len(a))
				}
				ok, err := Contains(v, a[0])
				return Bool(ok), err
			}}, true
		}
	case "__getitem__":
		return &Func{Name: name, Fn: func(a []Value, _ []Kwarg) (Value, error) {
			if len(a) != 1 {
				return nil, TypeErrorf("%s.__getitem__() takes exactly one argument (%d given)", v.TypeName(), len(a))
			}
			return Subscript(v, a[0])
		}}, true
	}
	return nil, false
}

// operatorMethod is an operator of a value called by its method's name.
func operatorMethod(v Value, name string) (Value, bool) {
	arith := map[string]func(a, b Value) (Value, error){
		"__add__": Add, "__sub__": Sub, "__mul__": Mul, "__truediv__": Div, "__floordiv__": FloorDiv, "__mod__": Mod, "__pow__": Pow,
	}
	order := map[string]CompareOp{"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}
	if op := arith[name]; op != nil {
		_, isFloat := v.(Float)
		_, isComplex := v.(Complex)
		number := isFloat || isComplex || IsNumber(v)
		_, isList := v.(*List)
		_, isTuple := v.(*Tuple)
		sequence := isList || isTuple || IsString(v)
		if !number && (!sequence || name != "__add__" && name != "__mul__" && (name != "__mod__" || !IsString(v))) {
			return nil, false
		}
	}
	return &Func{Name: name, Fn: func(a []Value, _ []Kwarg) (Value, error) {
		if len(a) != 1 {
			return nil, TypeErrorf("expected 1 argument, got %d", len(a))
		}
		if op := arith[name]; op != nil {
			return op(v, a[0])
		}
		if op := order[name]; op != "" {
			ok, err := Compare(op, v, a[0])
			return Bool(ok), err
		}
		eq, err := Equal(v, a[0])
		return Bool(eq == (name == "__eq__")), err
	}}, true
}

// dataAttr are attributes that are no methods: of numbers and dates.
func dataAttr(v Value, name string) (Value, bool) {
	switch x := v.(type) {
	case Int, Bool, *BigInt:
		switch name {
		case "real", "numerator":
			n, _ := toBig(v)
			return NewBig(n), true
		case "imag":
			return Int(0), true
		case "denominator":
			return Int(1), true
		}
	case Float:
		switch name {
		case "real":
			return x, true
		case "imag":
			return Float(0), true
		}
	case Complex:
		switch name {
		case "real":
			return Float(real(x)), true
		case "imag":
			return Float(imag(x)), true
		}
	case *Tuple:
		if x.Kind != nil {
			for i, f := range x.Kind.Fields {
				if f == name && i < len(x.Elems) {
					return x.Elems[i], true
				}
			}
		}
	case *Range:
		switch name {
		case "start":
			return Int(x.Start), true
		case "stop":
			return Int(x.Stop), true
		case "step":
			return Int(x.Step), true
		}
	case *Datetime, *Date, *Time, *Timedelta:
		return dateAttr(v, name)
	}
	return nil, false
}

// TypeObject is a class as an object: what __class__ gives.
type TypeObject struct{ Name string }

// TypeName is "type".
func (*TypeObject) TypeName() string { return "type" }

// Repr is "<class 'str'>".
func (t *TypeObject) Repr() (string, error) { return "<class '" + t.Name + "'>", nil }

// GetAttr gives __name__.
func (t *TypeObject) GetAttr(name string) (Value, bool, error) {
	switch name {
	case "__name__", "__qualname__":
		return Str(t.Name), true, nil
	}
	return nil, false, nil
}
