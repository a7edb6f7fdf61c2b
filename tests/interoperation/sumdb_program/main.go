// Asks the code of Go's checksum database, golang.org/x/mod/sumdb, about a log: what it opens, follows and makes.
// Standard input: {"do", …}, one after another; standard output: for each a line, {"error"} and what was found.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Do, Vkey            string
	Base, Name, Path    string
	Note                []byte
	Entries             [][]byte
	Sizes               []int64
	Size, Index, Old    int64
	Root, OldRoot, Leaf tlog.Hash
	Proof               []tlog.Hash
}

// answer has proofs of inclusion by index, and notes and proofs of growth by the sizes that were asked for.
type answer struct {
	Error     string        `json:"error"`
	Text      string        `json:"text"`
	Vkey      string        `json:"vkey"`
	Inclusion [][]tlog.Hash `json:"inclusion"`
	Growth    [][]tlog.Hash `json:"growth"`
	Notes     []string      `json:"notes"`
}

func main() {
	questions := json.NewDecoder(os.Stdin)
	for {
		var asked question
		if questions.Decode(&asked) != nil {
			return
		}
		must(json.NewEncoder(os.Stdout).Encode(answered(asked)))
	}
}

func answered(asked question) (told answer) {
	defer func() {
		if failed := recover(); failed != nil {
			told = answer{Error: fmt.Sprint(failed)}
		}
	}()
	switch asked.Do {
	case "open":
		told.Text = open(asked.Vkey, asked.Note)
	case "path":
		_, err := tlog.ParseTilePath(asked.Path)
		must(err)
	case "record":
		must(tlog.CheckRecord(asked.Proof, asked.Size, asked.Root, asked.Index, asked.Leaf))
	case "tree":
		must(tlog.CheckTree(asked.Proof, asked.Size, asked.Root, asked.Old, asked.OldRoot))
	case "follow":
		told = follow(asked)
	case "write":
		told = write(asked)
	default:
		panic("unknown: " + asked.Do)
	}
	return told
}

func open(vkey string, signed []byte) string {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	return opened.Text
}

// follow reads a log from its checkpoint down to each entry, proves all of them, and the growth from some sizes.
func follow(asked question) (told answer) {
	log := files{asked.Base, map[string][]byte{}}
	told.Text = open(asked.Vkey, log.get("checkpoint"))
	var head tlog.Tree
	lines := strings.Split(told.Text, "\n")
	must(json.Unmarshal([]byte(lines[1]), &head.N))
	must(json.Unmarshal([]byte(`"`+lines[2]+`"`), &head.Hash))
	hashes := tlog.TileHashReader(head, log)
	for n := int64(0); n < head.N; n++ {
		proof, err := tlog.ProveRecord(head.N, n, hashes)
		must(err)
		must(tlog.CheckRecord(proof, head.N, head.Hash, n, tlog.RecordHash(log.entry(n, head.N))))
		told.Inclusion = append(told.Inclusion, proof)
	}
	for _, old := range asked.Sizes {
		growth, err := tlog.ProveTree(head.N, old, hashes)
		must(err)
		told.Growth = append(told.Growth, growth)
	}
	return told
}

// write makes a log of the entries in a folder, with a head for each size; the last one is its checkpoint.
func write(asked question) (told answer) {
	secret, vkey, err := note.GenerateKey(rand.Reader, asked.Name)
	must(err)
	signer, err := note.NewSigner(secret)
	must(err)
	told.Vkey = vkey
	var kept stored
	for n, body := range asked.Entries {
		hashes, err := tlog.StoredHashes(int64(n), body, kept)
		must(err)
		kept = append(kept, hashes...)
	}
	for _, size := range asked.Sizes {
		root, err := tlog.TreeHash(size, kept)
		must(err)
		text := fmt.Sprintf("%s\n%d\n%s\n", asked.Name, size, root)
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		must(err)
		growth, err := tlog.ProveTree(int64(len(asked.Entries)), size, kept)
		must(err)
		told.Notes, told.Growth = append(told.Notes, string(signed)), append(told.Growth, growth)
	}
	publish(asked, kept, told.Notes[len(told.Notes)-1])
	return told
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
