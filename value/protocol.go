package value

// The protocol interfaces: what an object of another package (hostvars, a lazy dict, a Python object held elsewhere)
// implements to take part in an operation. The concrete types of this package are handled directly and need none.
// An error returned from any of them ends the operation and is passed on unchanged.
type (
	// Attributed answers v.name. ok false means the attribute does not exist.
	Attributed interface {
		GetAttr(name string) (v Value, ok bool, err error)
	}
	// Indexed answers v[key]. ok false means a missing key (Python's KeyError or IndexError).
	Indexed interface {
		GetItem(key Value) (v Value, ok bool, err error)
	}
	// Mapping is an object that counts as a mapping: `is mapping`, dict(), items(), combine.
	Mapping interface {
		Indexed
		Keys() ([]Value, error)
	}
	// Callable answers v(args, kw).
	Callable interface {
		Call(args []Value, kw []Kwarg) (Value, error)
	}
	// Iterable gives a fresh iterator.
	Iterable interface {
		Iterate() (Iterator, error)
	}
	// Sized answers len(v).
	Sized interface {
		Len() (int, error)
	}
	// Truthy answers bool(v). An object that is not Truthy is true, or not empty when it is Sized.
	Truthy interface {
		Truth() (bool, error)
	}
	// Stringer answers str(v).
	Stringer interface {
		Str() (string, error)
	}
	// Reprer answers repr(v).
	Reprer interface {
		Repr() (string, error)
	}
	// Container answers x in v.
	Container interface {
		Contains(x Value) (bool, error)
	}
	// Equaler answers v == other. known false leaves the decision to identity.
	Equaler interface {
		EqualTo(other Value) (eq, known bool, err error)
	}
	// ItemSetter answers v[key] = x.
	ItemSetter interface {
		SetItem(key, x Value) error
	}
	// AttrSetter answers v.name = x (namespace objects).
	AttrSetter interface {
		SetAttr(name string, x Value) error
	}
	// Iterator yields values until ok is false.
	Iterator interface {
		Next() (v Value, ok bool, err error)
	}
	// Lazy is a stand-in whose value is computed on first use (a variable that holds a template). Operations
	// force it before they look at it.
	Lazy interface {
		Force() (Value, error)
	}
)

// Kwarg is one keyword argument of a call.
type Kwarg struct {
	Name string
	Val  Value
}

// Func is a callable value written in Go.
type Func struct {
	Name string
	Fn   func(args []Value, kw []Kwarg) (Value, error)
}

// TypeName is "function".
func (*Func) TypeName() string { return "function" }

// Call runs the function.
func (f *Func) Call(args []Value, kw []Kwarg) (Value, error) { return f.Fn(args, kw) }

// Repr is Python's spelling without an address.
func (f *Func) Repr() (string, error) { return "<function " + f.Name + ">", nil }

// Call calls fn. A value that is not callable gives Python's TypeError; an Undefined raises itself.
func Call(fn Value, args []Value, kw []Kwarg) (Value, error) {
	switch fn := fn.(type) {
	case *Undefined:
		return nil, fn.Err()
	case Callable:
		return fn.Call(args, kw)
	case Lazy:
		v, err := fn.Force()
		if err != nil {
			return nil, err
		}
		return Call(v, args, kw)
	}
	return nil, TypeErrorf("'%s' object is not callable", fn.TypeName())
}

// Attribute returns a method or data attribute of v by Python's getattr: ok false when there is none.
// Items of dicts are not attributes; see GetAttr for Jinja's rule.
func Attribute(v Value, name string) (Value, bool, error) {
	switch o := v.(type) {
	case Attributed:
		a, ok, err := o.GetAttr(name)
		if err != nil || ok {
			return a, ok, err
		}
	case Lazy:
		f, err := o.Force()
		if err != nil {
			return nil, false, err
		}
		return Attribute(f, name)
	}
	a, ok := builtinAttr(v, name)
	return a, ok, nil
}
