// The messages of the original mp2p, written anew with Go's standard library from docs/CLASSIC.md,
// so that a second implementation agrees on every byte.
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/binary"
	"net"
)

const (
	typeDeclaration = 0
	typeInitiation  = 1
	typeData        = 2
)

func signed(body []byte, key ed25519.PrivateKey) []byte {
	return append(body, ed25519.Sign(key, body)...)
}

func isSigned(message, key []byte) bool {
	at := len(message) - ed25519.SignatureSize
	return ed25519.Verify(key, message[:at], message[at:])
}

func publicOf(key ed25519.PrivateKey) []byte {
	return key.Public().(ed25519.PublicKey)
}

func declaration(addr *net.UDPAddr, key ed25519.PrivateKey) []byte {
	body := []byte{typeDeclaration}
	body = binary.BigEndian.AppendUint16(body, uint16(addr.Port))
	body = append(body, addr.IP.To16()...)
	return signed(append(body, publicOf(key)...), key)
}

func initiation(id, destination []byte, ephemeral *ecdh.PrivateKey, key ed25519.PrivateKey) []byte {
	body := append([]byte{typeInitiation}, id...)
	body = append(body, publicOf(key)...)
	body = append(body, destination...)
	return signed(append(body, ephemeral.PublicKey().Bytes()...), key)
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

func data(key, id, nonce, text []byte) []byte {
	head := append([]byte{typeData}, id...)
	head = append(head, nonce...)
	return aead(key).Seal(head, nonce, text, nil)
}

func open(key, message []byte) ([]byte, error) {
	return aead(key).Open(nil, message[17:29], message[29:], nil)
}
