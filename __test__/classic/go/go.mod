module mp2p.test/classic

go 1.20
