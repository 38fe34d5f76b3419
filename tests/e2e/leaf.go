// SPDX-License-Identifier: Apache-2.0

// Verifies an issued certificate below its authority, for servers and for clients, as programs in Go
// do: leaf.go AUTHORITY.pem LEAF.pem. Prints the URIs.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) *x509.Certificate {
	text, err := os.ReadFile(path)
	check(err)
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	check(err)
	return certificate
}

func main() {
	roots := x509.NewCertPool()
	roots.AddCert(read(os.Args[1]))
	leaf := read(os.Args[2])
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}})
		check(err)
	}
	for _, uri := range leaf.URIs {
		fmt.Println(uri)
	}
}
