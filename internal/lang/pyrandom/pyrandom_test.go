package pyrandom

import (
	"fmt"
	"math/big"
	"testing"
)

// The expectations are CPython 3.11's.
func TestRandomIsPythons(t *testing.T) {
	r := FromText("abc")
	got := fmt.Sprint(r.Float(), " ")
	for range 5 {
		got += fmt.Sprint(r.Below(10))
	}
	got += fmt.Sprint(" ", r.Bits(40))
	if want := "0.7720246314157545 87552 61272617054"; got != want {
		t.Errorf("text seed: got %s, want %s", got, want)
	}
	list := []int{0, 1, 2, 3, 4, 5, 6, 7}
	FromInt(big.NewInt(5)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if got, want := fmt.Sprint(list), "[6 3 1 0 7 2 5 4]"; got != want {
		t.Errorf("shuffle: got %s, want %s", got, want)
	}
	big1, _ := new(big.Int).SetString("-12345678901234567890", 10)
	v, _ := FromInt(big1).Range(1, 1000, 7)
	if got, want := fmt.Sprint(v, " ", FromText("").Float(), " ", FromInt(new(big.Int)).Float()), "918 0.9602256525641875 0.8444218515250481"; got != want {
		t.Errorf("range: got %s, want %s", got, want)
	}
}
