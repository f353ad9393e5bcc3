// Audits the public log of a Pumasi ledger with Russ Cox's reference code for such logs, which Debian packages: that its head
// is signed, that entries and hash tiles are those under the head, that it grew from a head that was kept, and that proofs which
// were handed out lie in it. What the entries mean is no matter here; docs/auditor/audit.py replays them.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	levels   = 8           // of the tree in a tile
	width    = 1 << levels // entries in a bundle
	bytesMax = 17 << 20    // of an answer
)

// Where a log lies: an address, or a folder with the same files.
type source string

func (from source) read(path string) ([]byte, error) {
	if !strings.HasPrefix(string(from), "http") {
		return os.ReadFile(filepath.Join(string(from), filepath.FromSlash(path)))
	}
	url := string(from) + "/log/" + path
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, bytesMax))
}

// A tile's place as C2SP tlog-tiles names it. The library names its height too, and entries otherwise.
func place(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", levels))
	if tile.L < 0 {
		return "tile/entries/" + strings.TrimPrefix(path, "data/")
	}
	return "tile/" + path
}

// A signed head; whose signature is good is decided by the verifiers.
func open(text []byte, verifiers note.Verifiers) (tlog.Tree, error) {
	signed, err := note.Open(text, verifiers)
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != signed.Sigs[0].Name {
		return tlog.Tree{}, fmt.Errorf("it is no tree head of %s", signed.Sigs[0].Name)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 {
		return tlog.Tree{}, fmt.Errorf("its size is %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// All hashes of a log, made from its entries alone.
type hashes []tlog.Hash

func (known hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		if index < 0 || index >= int64(len(known)) {
			return nil, fmt.Errorf("there is no hash %d", index)
		}
		found[at] = known[index]
	}
	return found, nil
}

func (known *hashes) add(entry []byte, number int64) error {
	more, err := tlog.StoredHashes(number, entry, *known)
	*known = append(*known, more...)
	return err
}

// The log under a head: every entry, and then every tile. The library's reader of tiles promises to check each tile that it
// reads, and leaves some unchecked where the log's length is no power of two (docs/auditor/README.md), so all are compared here.
func (from source) check(head tlog.Tree) (hashes, int, error) {
	var known hashes
	for first := int64(0); first < head.N; first += width {
		bundle := tlog.Tile{H: levels, L: -1, N: first / width, W: int(least(width, head.N-first))}
		data, err := from.read(place(bundle))
		if err != nil {
			return nil, 0, err
		}
		for number := first; number < first+int64(bundle.W); number++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, 0, fmt.Errorf("entry %d is cut off", number)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			if err := known.add(data[2:end], number); err != nil {
				return nil, 0, err
			}
			data = data[end:]
		}
		if len(data) > 0 {
			return nil, 0, fmt.Errorf("more than %d entries in %s", bundle.W, place(bundle))
		}
	}
	root, err := tlog.TreeHash(head.N, known)
	if err != nil {
		return nil, 0, err
	}
	if root != head.Hash {
		return nil, 0, fmt.Errorf("the entries have the root %v, and the head says %v", root, head.Hash)
	}
	tiles := tilesOf(head.N)
	for _, tile := range tiles {
		ours, err := tlog.ReadTileData(tile, known)
		if err != nil {
			return nil, 0, err
		}
		theirs, err := from.read(place(tile))
		if err != nil {
			return nil, 0, err
		}
		if !bytes.Equal(ours, theirs) {
			return nil, 0, fmt.Errorf("%s does not hold the hashes of its entries", place(tile))
		}
	}
	return known, len(tiles), nil
}

// The tiles of a log: whole ones, and on each level one that is not full.
func tilesOf(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level, hashes := 0, size; hashes > 0; level, hashes = level+1, hashes/width {
		for first := int64(0); first < hashes; first += width {
			tiles = append(tiles, tlog.Tile{H: levels, L: level, N: first / width, W: int(least(width, hashes-first))})
		}
	}
	return tiles
}

func least(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

// That a log with a head begins with a shorter one.
func grew(old, head tlog.Tree, known hashes) error {
	proof, err := tlog.ProveTree(head.N, old.N, known)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, head.N, head.Hash, old.N, old.Hash)
}

// A proof by C2SP tlog-proof: the entry at its place in the log lies under the head within the proof, from which this log grew.
func proves(text []byte, verifiers note.Verifiers, head tlog.Tree, known hashes) error {
	parts := bytes.SplitN(text, []byte("\n\n"), 2)
	lines := strings.Split(string(parts[0]), "\n")
	if len(parts) < 2 || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[2], "index ") {
		return fmt.Errorf("it is not a proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path = append(path, hash)
	}
	of, err := open(parts[1], verifiers)
	if err != nil {
		return err
	}
	if err := grew(of, head, known); err != nil {
		return err
	}
	leaf, err := known.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, of.N, of.Hash, index, leaf[0])
}

func run() error {
	origin := flag.String("origin", "", "the log's name, the first line of its heads")
	replica := flag.String("replica", "", "the key that signs its heads, in hexadecimal digits or base64")
	kept := flag.String("head", "", "a checkpoint that was kept: the log must have grown from it")
	flag.Parse()
	if flag.NArg() < 1 {
		return fmt.Errorf("usage: audit -origin NAME -replica KEY [-head FILE] ADDRESS|FOLDER [PROOF...]")
	}
	key, err := hex.DecodeString(*replica)
	if err != nil {
		key, err = base64.StdEncoding.DecodeString(*replica)
	}
	if err != nil || len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("-replica is a key of %d bytes", ed25519.PublicKeySize)
	}
	text, err := note.NewEd25519VerifierKey(*origin, key)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return err
	}
	verifiers, from := note.VerifierList(verifier), source(strings.TrimSuffix(flag.Arg(0), "/"))
	checkpoint, err := from.read("checkpoint")
	if err != nil {
		return err
	}
	head, err := open(checkpoint, verifiers)
	if err != nil {
		return fmt.Errorf("its head: %w", err)
	}
	known, tiles, err := from.check(head)
	if err != nil {
		return err
	}
	if *kept != "" {
		text, err := os.ReadFile(*kept)
		if err != nil {
			return err
		}
		old, err := open(text, verifiers)
		if err == nil {
			err = grew(old, head, known)
		}
		if err != nil {
			return fmt.Errorf("the head in %s: %w", *kept, err)
		}
	}
	for _, file := range flag.Args()[1:] {
		text, err := os.ReadFile(file)
		if err == nil {
			err = proves(text, verifiers, head, known)
		}
		if err != nil {
			return fmt.Errorf("the proof in %s: %w", file, err)
		}
	}
	fmt.Printf("right: %d entries, %d tiles, %d proofs\n", head.N, tiles, flag.NArg()-1)
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "WRONG:", err)
		os.Exit(1)
	}
}
