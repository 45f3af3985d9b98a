// A peer of the original mp2p for tests: `peer serve`, `peer call`, `peer vectors`. It behaves as
// carelessly as the original: a new key for every initiation, the first datagram is the answer.
package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"
)

var (
	ifiFlag   = flag.String("ifi", "", "interface")
	groupFlag = flag.String("group", "", "own group")
	addrFlag  = flag.String("addr", "", "the server's group")
	publFlag  = flag.String("publ", "", "the server's key, hex")
	textFlag  = flag.String("text", "", "message or reply")
	portFlag  = flag.Int("port", 1024, "the server's port")
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("serve, call or vectors")
	}
	mode := os.Args[1]
	if err := flag.CommandLine.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	switch mode {
	case "serve":
		serve()
	case "call":
		call()
	case "vectors":
		vectors()
	default:
		log.Fatalf("unknown mode %s", mode)
	}
}

func socket(port int) (*net.UDPConn, *net.UDPAddr) {
	ifi, err := net.InterfaceByName(*ifiFlag)
	if err != nil {
		log.Fatal(err)
	}
	group := &net.UDPAddr{IP: net.ParseIP(*groupFlag), Port: port}
	conn, err := listen(ifi, group)
	if err != nil {
		log.Fatal(err)
	}
	return conn, group
}

func serve() {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	conn, group := socket(*portFlag)
	fmt.Printf("my addr: %s\nmy publ: %s\n", group.IP, hex.EncodeToString(publicOf(key)))
	peers := map[string]*net.UDPAddr{}
	keys := map[string][]byte{}
	addrs := map[string]*net.UDPAddr{}
	buffer := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFromUDP(buffer)
		if err != nil {
			log.Fatal(err)
		}
		m := bytes.Clone(buffer[:n])
		switch {
		case n == 115 && m[0] == typeDeclaration && isSigned(m, m[19:51]):
			peers[string(m[19:51])] = &net.UDPAddr{IP: m[3:19], Port: int(m[1])<<8 | int(m[2])}
		case n == 177 && m[0] == typeInitiation && bytes.Equal(m[49:81], publicOf(key)) && isSigned(m, m[17:49]):
			peer := peers[string(m[17:49])]
			theirs, err := ecdh.X25519().NewPublicKey(m[81:113])
			if peer == nil || err != nil {
				continue
			}
			ours, _ := ecdh.X25519().GenerateKey(rand.Reader)
			id := string(m[1:17])
			keys[id], _ = ours.ECDH(theirs)
			addrs[id] = peer
			conn.WriteToUDP(initiation(m[1:17], m[17:49], ours, key), peer)
		case n >= 45 && m[0] == typeData && keys[string(m[1:17])] != nil:
			id := string(m[1:17])
			text, err := open(keys[id], m)
			if err != nil {
				log.Print(err)
				continue
			}
			fmt.Println(string(text))
			nonce := make([]byte, 12)
			rand.Read(nonce)
			conn.WriteToUDP(data(keys[id], m[1:17], nonce, []byte(*textFlag)), addrs[id])
		}
	}
}

func call() {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	conn, group := socket(1025)
	server := &net.UDPAddr{IP: net.ParseIP(*addrFlag), Port: *portFlag}
	publ, err := hex.DecodeString(*publFlag)
	if err != nil {
		log.Fatal(err)
	}
	ours, _ := ecdh.X25519().GenerateKey(rand.Reader)
	id := make([]byte, 16)
	rand.Read(id)
	answer := exchange(conn, server, declaration(group, key), initiation(id, publ, ours, key))
	ok := len(answer) == 177 && bytes.Equal(answer[1:17], id) && bytes.Equal(answer[17:49], publ) &&
		bytes.Equal(answer[49:81], publicOf(key)) && isSigned(answer, publ)
	if !ok {
		log.Fatalf("not an answer: %x", answer)
	}
	theirs, err := ecdh.X25519().NewPublicKey(answer[81:113])
	if err != nil {
		log.Fatal(err)
	}
	secret, err := ours.ECDH(theirs)
	if err != nil {
		log.Fatal(err)
	}
	nonce := make([]byte, 12)
	rand.Read(nonce)
	text, err := open(secret, exchange(conn, server, data(secret, id, nonce, []byte(*textFlag))))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}

// Sends every second until anything at all comes back.
func exchange(conn *net.UDPConn, to *net.UDPAddr, messages ...[]byte) []byte {
	buffer := make([]byte, 1500)
	for try := 0; try < 20; try++ {
		for _, m := range messages {
			if _, err := conn.WriteToUDP(m, to); err != nil {
				log.Fatal(err)
			}
		}
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if n, _, err := conn.ReadFromUDP(buffer); err == nil {
			return bytes.Clone(buffer[:n])
		}
	}
	log.Fatal("no answer")
	return nil
}

// Deterministic messages: frozen in __test__/vectors/classic.json.
func vectors() {
	fill := func(n int, first byte) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = first + byte(i)
		}
		return b
	}
	client, server := ed25519.NewKeyFromSeed(fill(32, 0)), ed25519.NewKeyFromSeed(fill(32, 32))
	cs, ss := fill(32, 64), fill(32, 96)
	ce, _ := ecdh.X25519().NewPrivateKey(cs)
	se, _ := ecdh.X25519().NewPrivateKey(ss)
	secret, _ := ce.ECDH(se.PublicKey())
	id, nonce, text := fill(16, 128), fill(12, 160), []byte("Hello server, how are you?")
	out := map[string]string{"clientSeed": h(client.Seed()), "serverSeed": h(server.Seed()),
		"clientEphemeral": h(cs), "serverEphemeral": h(ss), "sessionId": h(id), "nonce": h(nonce),
		"text": h(text), "key": h(secret),
		"declarationIpv6": h(declaration(&net.UDPAddr{IP: net.ParseIP("ff1e:7837:c8de:baf8:88e9:7051:6056:c140"), Port: 1025}, client)),
		"declarationIpv4": h(declaration(&net.UDPAddr{IP: net.ParseIP("224.0.245.100"), Port: 1025}, client)),
		"initiation":      h(initiation(id, publicOf(server), ce, client)),
		"answer":          h(initiation(id, publicOf(client), se, server)),
		"data":            h(data(secret, id, nonce, text))}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	encoder.Encode(out)
}

func h(b []byte) string { return hex.EncodeToString(b) }
