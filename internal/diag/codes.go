package diag

import "sort"

// Code names a kind of mistake for good: "TRP-E0412". Numbers are never reused. E is an error, W a warning.
//
// E01xx files and YAML, E02xx playbooks, E03xx inventory, E04xx variables and templates, E05xx configuration,
// E06xx vault, E07xx lookups, E08xx running tasks, E09xx content from elsewhere and its documentation.
type Code string

// The codes that exist. Each has a Page below.
const (
	FileNotFound   Code = "TRP-E0101"
	YAMLSyntax     Code = "TRP-E0102"
	UnquotedJinja  Code = "TRP-E0103"
	ManyDocuments  Code = "TRP-E0104"
	DuplicateKey   Code = "TRP-W0105"
	UnhashableKey  Code = "TRP-E0106"
	UnknownTag     Code = "TRP-E0107"
	NotUTF8        Code = "TRP-E0108"
	MixedShorthand Code = "TRP-E0109"

	UnknownKeyword     Code = "TRP-E0201"
	UnknownModule      Code = "TRP-E0202"
	ConflictingActions Code = "TRP-E0203"
	NoAction           Code = "TRP-E0204"
	MalformedBlock     Code = "TRP-E0205"
	MissingHosts       Code = "TRP-E0206"
	WrongKeywordType   Code = "TRP-E0207"
	RoleNotFound       Code = "TRP-E0208"
	SplitArgs          Code = "TRP-E0209"
	LoopOnImport       Code = "TRP-E0210"
	HandlerNotFound    Code = "TRP-E0211"
	MalformedPlaybook  Code = "TRP-E0212"
	DuplicateLoop      Code = "TRP-E0213"
	IncludeOptions     Code = "TRP-E0214"
	RoleRecursion      Code = "TRP-E0215"
	NotADictionary     Code = "TRP-E0216"
	RemovedModule      Code = "TRP-E0217"
	BadRedirect        Code = "TRP-E0218"

	InventorySource  Code = "TRP-W0301"
	InventorySyntax  Code = "TRP-E0302"
	NoHostsMatched   Code = "TRP-W0303"
	LimitNoHosts     Code = "TRP-E0304"
	UnknownHost      Code = "TRP-E0305"
	GroupLoop        Code = "TRP-E0306"
	BadRange         Code = "TRP-E0307"
	InvalidGroupName Code = "TRP-W0308"
	NoInventory      Code = "TRP-W0309"
	BadPattern       Code = "TRP-E0310"

	TemplateError  Code = "TRP-E0401"
	VarsNotMapping Code = "TRP-E0411"
	Undefined      Code = "TRP-E0412"
	ReservedName   Code = "TRP-W0413"
	BadExtraVars   Code = "TRP-E0414"
	BadVarName     Code = "TRP-E0415"

	BadSetting     Code = "TRP-E0501"
	ConfigSyntax   Code = "TRP-E0502"
	WorldWritable  Code = "TRP-W0503"
	UnknownSetting Code = "TRP-E0504"

	NoVaultSecret   Code = "TRP-E0601"
	VaultDecrypt    Code = "TRP-E0602"
	VaultFormat     Code = "TRP-E0603"
	VaultScript     Code = "TRP-E0604"
	VaultNoPassword Code = "TRP-E0605"

	UnknownParameter Code = "TRP-E0801"
	WrongChoice      Code = "TRP-E0802"
	MissingParameter Code = "TRP-E0803"

	GalaxyContent    Code = "TRP-E0901"
	DocsBroken       Code = "TRP-E0902"
	NoPullRepository Code = "TRP-E0903"

	LookupNotFound Code = "TRP-E0701"
	LookupFailed   Code = "TRP-E0702"
	LookupOptions  Code = "TRP-E0703"
)

// Page explains a code: what `troupe explain` prints and the reference shows.
type Page struct {
	Title   string
	Cause   string
	Example string // content that shows the mistake
	Fix     string // the same content put right
}

// PageOf returns the page of a code.
func PageOf(c Code) (Page, bool) {
	p, ok := pages[c]
	return p, ok
}

// Codes lists all codes in order.
func Codes() []Code {
	cs := make([]Code, 0, len(pages))
	for c := range pages {
		cs = append(cs, c)
	}
	sort.Slice(cs, func(i, j int) bool { return cs[i][5:] < cs[j][5:] })
	return cs
}
