package value

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Encode is s.encode(encoding, "surrogateescape"): bytes of s that are no text stay as they are. An unknown encoding is a LookupError, a character it lacks a UnicodeEncodeError.
func Encode(s, encoding string) ([]byte, error) {
	b, err := encodeText(Str(s), []Value{Str(encoding), Str("surrogateescape")})
	if err != nil {
		return nil, err
	}
	return []byte(b.(Bytes)), nil
}

// Decode is b.decode(encoding), strict, with errors as those of Encode.
func Decode(b []byte, encoding string) (string, error) {
	s, err := decodeBytes(Bytes(b), []Value{Str(encoding), nil})
	if err != nil {
		return "", err
	}
	return string(s.(Str)), nil
}

// codecName is the spelling by which Python finds a codec.
func codecName(s string) string {
	s = strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(s))
	if rest, ok := strings.CutPrefix(s, "iso8859-"); ok {
		s = "iso-8859-" + rest
	}
	return s
}

// charmaps are the encodings with one byte for each character.
var charmaps = map[string]*charmap.Charmap{
	"windows-1250": charmap.Windows1250, "windows-1251": charmap.Windows1251, "windows-1252": charmap.Windows1252,
	"windows-1253": charmap.Windows1253, "windows-1254": charmap.Windows1254, "windows-1255": charmap.Windows1255,
	"windows-1256": charmap.Windows1256, "windows-1257": charmap.Windows1257, "windows-1258": charmap.Windows1258,
	"iso-8859-2": charmap.ISO8859_2, "iso-8859-3": charmap.ISO8859_3, "iso-8859-4": charmap.ISO8859_4, "iso-8859-5": charmap.ISO8859_5,
	"iso-8859-6": charmap.ISO8859_6, "iso-8859-7": charmap.ISO8859_7, "iso-8859-8": charmap.ISO8859_8, "iso-8859-9": charmap.ISO8859_9,
	"iso-8859-10": charmap.ISO8859_10, "iso-8859-13": charmap.ISO8859_13, "iso-8859-14": charmap.ISO8859_14, "iso-8859-15": charmap.ISO8859_15,
	"iso-8859-16": charmap.ISO8859_16, "latin-9": charmap.ISO8859_15, "latin2": charmap.ISO8859_2, "latin9": charmap.ISO8859_15,
	"koi8-r": charmap.KOI8R, "koi8-u": charmap.KOI8U, "cp437": charmap.CodePage437, "ibm437": charmap.CodePage437, "cp850": charmap.CodePage850,
	"cp852": charmap.CodePage852, "cp855": charmap.CodePage855, "cp858": charmap.CodePage858, "cp860": charmap.CodePage860,
	"cp862": charmap.CodePage862, "cp863": charmap.CodePage863, "cp865": charmap.CodePage865, "cp866": charmap.CodePage866,
	"mac-roman": charmap.Macintosh, "macintosh": charmap.Macintosh, "mac-cyrillic": charmap.MacintoshCyrillic,
}

func charmapOf(name string) *charmap.Charmap {
	name = codecName(name)
	if rest, ok := strings.CutPrefix(name, "cp125"); ok {
		name = "windows-125" + rest
	}
	return charmaps[name]
}

func decodeCharmap(m *charmap.Charmap, s, mode string) (Value, error) {
	var b strings.Builder
	for i := range len(s) {
		r := m.DecodeByte(s[i])
		if r == utf8.RuneError || r >= 0x80 && r < 0xa0 && m.String()[0] == 'W' {
			switch mode {
			case "ignore":
				continue
			case "replace":
				r = utf8.RuneError
			default:
				return nil, Errorf("UnicodeDecodeError", "'charmap' codec can't decode byte 0x%02x in position %d: character maps to <undefined>", s[i], i)
			}
		}
		b.WriteRune(r)
	}
	return Str(b.String()), nil
}

// wide are the encodings of 16 bits: with a mark for the order of bytes or without.
var wide = map[string]struct {
	order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
	mark bool
}{
	"utf-16": {binary.LittleEndian, true}, "utf16": {binary.LittleEndian, true},
	"utf-16-le": {binary.LittleEndian, false}, "utf-16le": {binary.LittleEndian, false},
	"utf-16-be": {binary.BigEndian, false}, "utf-16be": {binary.BigEndian, false},
}

func encodeWide(s, name string) Bytes {
	w := wide[name]
	var b []byte
	put := func(u uint16) { b = w.order.AppendUint16(b, u) }
	if w.mark {
		put(0xfeff)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		put(u)
	}
	return Bytes(b)
}

func decodeWide(s, name string) (Value, error) {
	w := wide[name]
	var order binary.ByteOrder = w.order
	if w.mark && len(s) >= 2 {
		switch {
		case s[0] == 0xff && s[1] == 0xfe:
			s = s[2:]
		case s[0] == 0xfe && s[1] == 0xff:
			order, s = binary.BigEndian, s[2:]
		}
	}
	if len(s)%2 != 0 {
		return nil, Errorf("UnicodeDecodeError", "'%s' codec can't decode byte 0x%02x in position %d: truncated data", name, s[len(s)-1], len(s)-1)
	}
	units := make([]uint16, len(s)/2)
	for i := range units {
		units[i] = order.Uint16([]byte(s[2*i : 2*i+2]))
	}
	return Str(string(utf16.Decode(units))), nil
}
