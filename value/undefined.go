package value

// UndefinedKind says how much an Undefined allows before it raises: Lenient, Strict, Chained, or one of an embedder's own.
type UndefinedKind = *UndefinedClass

// UndefinedClass is a kind of Undefined that raises on every use but the test for being defined.
type UndefinedClass struct {
	Name string // of the type
	// Chained makes an attribute or item of an Undefined the same Undefined again, so that the first failure is the one
	// that is told.
	Chained bool
	// Described prints hint, object and name inside a container: Name(hint=…, obj=…, name=…).
	Described bool
}

var (
	// Lenient is Jinja's default: prints as "", is false, empty and equal to its like; attributes raise.
	Lenient UndefinedKind
	// Strict raises on every use but the test for being defined.
	Strict UndefinedKind = &UndefinedClass{Name: "StrictUndefined"}
	// Chained is as Strict, but chained.
	Chained UndefinedKind = &UndefinedClass{Name: "ChainableUndefined", Chained: true}
)

// Undefined stands for a name, attribute or item that does not exist. It is a value: it raises only when it is used.
type Undefined struct {
	Kind  UndefinedKind
	Hint  string // the whole message when not empty
	Obj   Value  // the object that lacks Name; nil for a variable
	Name  Value  // Str for attributes and variables; any key for items
	Class string // full name of the class of Obj, when that is text of a subclass of str
	From  error  // what made it undefined, when that was itself an error (a variable whose template failed)
}

// TypeName is the name of Python's class.
func (u *Undefined) TypeName() string {
	if u.Kind == Lenient {
		return "Undefined"
	}
	return u.Kind.Name
}

// Chains reports whether an attribute or item of u is u again.
func (u *Undefined) Chains() bool { return u.Kind != Lenient && u.Kind.Chained }

// Message is the text of the error that using u gives.
func (u *Undefined) Message() string {
	if u.Hint != "" {
		return u.Hint
	}
	if u.Obj == nil {
		r, err := Repr(u.Name)
		if err != nil {
			r = "?"
		}
		return r + " is undefined"
	}
	obj := objectRepr(u.Obj)
	if u.Class != "" {
		obj = u.Class + " object"
	}
	r, err := Repr(u.Name)
	if err != nil {
		r = "?"
	}
	if _, ok := AsString(u.Name); !ok {
		return obj + " has no element " + r
	}
	return quoteOnce(obj) + " has no attribute " + r
}

// objectRepr is Jinja's object_type_repr: "None", "dict object", "jinja2.runtime.LoopContext object".
func objectRepr(v Value) string {
	switch v := v.(type) {
	case NoneType:
		return "None"
	case Markup:
		return "markupsafe.Markup object"
	case interface{ QualifiedTypeName() string }:
		return v.QualifiedTypeName() + " object"
	}
	return v.TypeName() + " object"
}

func quoteOnce(s string) string { return "'" + s + "'" }

// Err is the error that using u gives: class UndefinedError.
func (u *Undefined) Err() error {
	return &Error{Class: "UndefinedError", Msg: u.Message(), Undefined: u}
}

// Repr is the text of an Undefined inside a printed container.
func (u *Undefined) Repr() (string, error) {
	if u.Kind == Lenient || !u.Kind.Described {
		return "Undefined", nil
	}
	hint, obj := "None", "missing"
	var err error
	if u.Hint != "" {
		if hint, err = Repr(Str(u.Hint)); err != nil {
			return "", err
		}
	}
	if u.Obj != nil {
		if obj, err = Repr(u.Obj); err != nil {
			return "", err
		}
	}
	name := "None"
	if u.Name != nil {
		if name, err = Repr(u.Name); err != nil {
			return "", err
		}
	}
	return u.Kind.Name + "(hint=" + hint + ", obj=" + obj + ", name=" + name + ")", nil
}

// Str prints "" when lenient, else raises.
func (u *Undefined) Str() (string, error) {
	if u.Kind == Lenient {
		return "", nil
	}
	return "", u.Err()
}

// IsUndefined reports whether err, or what it wraps, is the use of an Undefined.
func IsUndefined(err error) bool {
	e, ok := asError(err)
	return ok && e.Class == "UndefinedError"
}
