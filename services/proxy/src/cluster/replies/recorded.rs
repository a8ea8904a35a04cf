//! What servers have answered: two masters, the first with a name of its own and a replica (the emulator without both).
//! `CLUSTER SLOTS`, `SHARDS`, `NODES` and `REPLICAS` of the second one, and `GET` of a key that the first one has.

use crate::owed::Protocol;

pub(super) struct Recorded {
    pub(super) server: &'static str,
    pub(super) protocol: Protocol,
    pub(super) replies: [&'static str; 5],
}

pub(super) const RECORDED: [Recorded; 8] = [
    Recorded {
        server: "Redis 7.0.15",
        protocol: Protocol::Two,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7100\r\n$40\r\nf386cc7208b73ee094c943fc1e920d96a9946627\r\n*2\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7101\r\n$40\r\nf13ad7cb7fc5f3a365d04ab8a414fd03dd7e0b22\r\n*0\r\n",
            "*2\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*2\r\n*16\r\n$2\r\nid\r\n$40\r\nf386cc7208b73ee094c943fc1e920d96a9946627\r\n$4\r\nport\r\n:7100\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n*14\r\n$2\r\nid\r\n$40\r\nfefcf82f4fe2fab25abc32d10f46867a4c1982ba\r\n$4\r\nport\r\n:7102\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$7\r\nloading\r\n*4\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n*14\r\n$2\r\nid\r\n$40\r\nf13ad7cb7fc5f3a365d04ab8a414fd03dd7e0b22\r\n$4\r\nport\r\n:7101\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
            "$379\r\nfefcf82f4fe2fab25abc32d10f46867a4c1982ba 127.0.0.1:7102@17102 slave f386cc7208b73ee094c943fc1e920d96a9946627 0 1795896042726 1 connected\nf386cc7208b73ee094c943fc1e920d96a9946627 127.0.0.1:7100@17100,node-1.example.net master - 0 1795896043794 1 connected 0-8191\nf13ad7cb7fc5f3a365d04ab8a414fd03dd7e0b22 127.0.0.1:7101@17101 myself,master - 0 1795896042000 2 connected 8192-16383\n\r\n",
            "*1\r\n$136\r\nfefcf82f4fe2fab25abc32d10f46867a4c1982ba 127.0.0.1:7102@17102 slave f386cc7208b73ee094c943fc1e920d96a9946627 0 1795896042726 1 connected\r\n",
            "-MOVED 3300 127.0.0.1:7100\r\n",
        ],
    },
    Recorded {
        server: "Redis 7.0.15",
        protocol: Protocol::Three,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7100\r\n$40\r\nf386cc7208b73ee094c943fc1e920d96a9946627\r\n%1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7101\r\n$40\r\nf13ad7cb7fc5f3a365d04ab8a414fd03dd7e0b22\r\n%0\r\n",
            "*2\r\n%2\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*2\r\n%8\r\n$2\r\nid\r\n$40\r\nf386cc7208b73ee094c943fc1e920d96a9946627\r\n$4\r\nport\r\n:7100\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n%7\r\n$2\r\nid\r\n$40\r\nfefcf82f4fe2fab25abc32d10f46867a4c1982ba\r\n$4\r\nport\r\n:7102\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$7\r\nloading\r\n%2\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n%7\r\n$2\r\nid\r\n$40\r\nf13ad7cb7fc5f3a365d04ab8a414fd03dd7e0b22\r\n$4\r\nport\r\n:7101\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
            "=383\r\ntxt:fefcf82f4fe2fab25abc32d10f46867a4c1982ba 127.0.0.1:7102@17102 slave f386cc7208b73ee094c943fc1e920d96a9946627 0 1795896044923 1 connected\nf386cc7208b73ee094c943fc1e920d96a9946627 127.0.0.1:7100@17100,node-1.example.net master - 0 1795896043794 1 connected 0-8191\nf13ad7cb7fc5f3a365d04ab8a414fd03dd7e0b22 127.0.0.1:7101@17101 myself,master - 0 1795896042000 2 connected 8192-16383\n\r\n",
            "*1\r\n$136\r\nfefcf82f4fe2fab25abc32d10f46867a4c1982ba 127.0.0.1:7102@17102 slave f386cc7208b73ee094c943fc1e920d96a9946627 0 1795896044923 1 connected\r\n",
            "-MOVED 3300 127.0.0.1:7100\r\n",
        ],
    },
    Recorded {
        server: "Redis 8.2.3",
        protocol: Protocol::Two,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7110\r\n$40\r\nbddfa2a9ebdc7d335d758bbd40a31546ed83576d\r\n*2\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7111\r\n$40\r\n248aa797987eba7c7f765347ee8e64f2c4b4a639\r\n*0\r\n",
            "*2\r\n*4\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n*14\r\n$2\r\nid\r\n$40\r\n248aa797987eba7c7f765347ee8e64f2c4b4a639\r\n$4\r\nport\r\n:7111\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*2\r\n*16\r\n$2\r\nid\r\n$40\r\nbddfa2a9ebdc7d335d758bbd40a31546ed83576d\r\n$4\r\nport\r\n:7110\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n*14\r\n$2\r\nid\r\n$40\r\n84721e6be2f25e58007a6f266ddb39cc719d52ee\r\n$4\r\nport\r\n:7112\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$7\r\nloading\r\n",
            "$367\r\nbddfa2a9ebdc7d335d758bbd40a31546ed83576d 127.0.0.1:7110@17110,node-1.example.net master - 0 1795896050460 0 connected 0-8191\n84721e6be2f25e58007a6f266ddb39cc719d52ee 127.0.0.1:7112@17112 slave bddfa2a9ebdc7d335d758bbd40a31546ed83576d 0 1795896049441 0 connected\n248aa797987eba7c7f765347ee8e64f2c4b4a639 127.0.0.1:7111@17111 myself,master - 0 0 2 connected 8192-16383\n\r\n",
            "*1\r\n$136\r\n84721e6be2f25e58007a6f266ddb39cc719d52ee 127.0.0.1:7112@17112 slave bddfa2a9ebdc7d335d758bbd40a31546ed83576d 0 1795896049441 0 connected\r\n",
            "-MOVED 3300 127.0.0.1:7110\r\n",
        ],
    },
    Recorded {
        server: "Redis 8.2.3",
        protocol: Protocol::Three,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7110\r\n$40\r\nbddfa2a9ebdc7d335d758bbd40a31546ed83576d\r\n%1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7111\r\n$40\r\n248aa797987eba7c7f765347ee8e64f2c4b4a639\r\n%0\r\n",
            "*2\r\n%2\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n%7\r\n$2\r\nid\r\n$40\r\n248aa797987eba7c7f765347ee8e64f2c4b4a639\r\n$4\r\nport\r\n:7111\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n%2\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*2\r\n%8\r\n$2\r\nid\r\n$40\r\nbddfa2a9ebdc7d335d758bbd40a31546ed83576d\r\n$4\r\nport\r\n:7110\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n%7\r\n$2\r\nid\r\n$40\r\n84721e6be2f25e58007a6f266ddb39cc719d52ee\r\n$4\r\nport\r\n:7112\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$7\r\nloading\r\n",
            "=371\r\ntxt:bddfa2a9ebdc7d335d758bbd40a31546ed83576d 127.0.0.1:7110@17110,node-1.example.net master - 0 1795896050460 0 connected 0-8191\n84721e6be2f25e58007a6f266ddb39cc719d52ee 127.0.0.1:7112@17112 slave bddfa2a9ebdc7d335d758bbd40a31546ed83576d 0 1795896051471 0 connected\n248aa797987eba7c7f765347ee8e64f2c4b4a639 127.0.0.1:7111@17111 myself,master - 0 0 2 connected 8192-16383\n\r\n",
            "*1\r\n$136\r\n84721e6be2f25e58007a6f266ddb39cc719d52ee 127.0.0.1:7112@17112 slave bddfa2a9ebdc7d335d758bbd40a31546ed83576d 0 1795896051471 0 connected\r\n",
            "-MOVED 3300 127.0.0.1:7110\r\n",
        ],
    },
    Recorded {
        server: "Valkey 8.1.8",
        protocol: Protocol::Two,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7120\r\n$40\r\n213eb0b2a25d32ab388f325bbca1e634ae160743\r\n*2\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7121\r\n$40\r\ne62063669137f4938bbc295fa790a058be029a84\r\n*0\r\n",
            "*2\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*2\r\n*16\r\n$2\r\nid\r\n$40\r\n213eb0b2a25d32ab388f325bbca1e634ae160743\r\n$4\r\nport\r\n:7120\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n*14\r\n$2\r\nid\r\n$40\r\n0ec34711deb0f4a8cc488bbaee308be02e00f32d\r\n$4\r\nport\r\n:7122\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$7\r\nloading\r\n*4\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n*14\r\n$2\r\nid\r\n$40\r\ne62063669137f4938bbc295fa790a058be029a84\r\n$4\r\nport\r\n:7121\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
            "$367\r\ne62063669137f4938bbc295fa790a058be029a84 127.0.0.1:7121@17121 myself,master - 0 0 0 connected 8192-16383\n0ec34711deb0f4a8cc488bbaee308be02e00f32d 127.0.0.1:7122@17122 slave 213eb0b2a25d32ab388f325bbca1e634ae160743 0 1795896055000 1 connected\n213eb0b2a25d32ab388f325bbca1e634ae160743 127.0.0.1:7120@17120,node-1.example.net master - 0 1795896055944 1 connected 0-8191\n\r\n",
            "*1\r\n$136\r\n0ec34711deb0f4a8cc488bbaee308be02e00f32d 127.0.0.1:7122@17122 slave 213eb0b2a25d32ab388f325bbca1e634ae160743 0 1795896055000 1 connected\r\n",
            "-MOVED 3300 127.0.0.1:7120\r\n",
        ],
    },
    Recorded {
        server: "Valkey 8.1.8",
        protocol: Protocol::Three,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.0.1\r\n:7120\r\n$40\r\n213eb0b2a25d32ab388f325bbca1e634ae160743\r\n%1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:7121\r\n$40\r\ne62063669137f4938bbc295fa790a058be029a84\r\n%0\r\n",
            "*2\r\n%2\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*2\r\n%8\r\n$2\r\nid\r\n$40\r\n213eb0b2a25d32ab388f325bbca1e634ae160743\r\n$4\r\nport\r\n:7120\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n%7\r\n$2\r\nid\r\n$40\r\n0ec34711deb0f4a8cc488bbaee308be02e00f32d\r\n$4\r\nport\r\n:7122\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$7\r\nreplica\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$7\r\nloading\r\n%2\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n%7\r\n$2\r\nid\r\n$40\r\ne62063669137f4938bbc295fa790a058be029a84\r\n$4\r\nport\r\n:7121\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
            "=371\r\ntxt:e62063669137f4938bbc295fa790a058be029a84 127.0.0.1:7121@17121 myself,master - 0 0 0 connected 8192-16383\n0ec34711deb0f4a8cc488bbaee308be02e00f32d 127.0.0.1:7122@17122 slave 213eb0b2a25d32ab388f325bbca1e634ae160743 0 1795896057016 1 connected\n213eb0b2a25d32ab388f325bbca1e634ae160743 127.0.0.1:7120@17120,node-1.example.net master - 0 1795896055944 1 connected 0-8191\n\r\n",
            "*1\r\n$136\r\n0ec34711deb0f4a8cc488bbaee308be02e00f32d 127.0.0.1:7122@17122 slave 213eb0b2a25d32ab388f325bbca1e634ae160743 0 1795896057016 1 connected\r\n",
            "-MOVED 3300 127.0.0.1:7120\r\n",
        ],
    },
    Recorded {
        server: "the emulator",
        protocol: Protocol::Two,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.2.4\r\n:8500\r\n$40\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n*0\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.2.4\r\n:8501\r\n$40\r\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n*0\r\n",
            "*2\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*1\r\n*14\r\n$2\r\nid\r\n$40\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n$8\r\ntls-port\r\n:8500\r\n$2\r\nip\r\n$9\r\n127.0.2.4\r\n$8\r\nendpoint\r\n$9\r\n127.0.2.4\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n*4\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n*14\r\n$2\r\nid\r\n$40\r\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n$8\r\ntls-port\r\n:8501\r\n$2\r\nip\r\n$9\r\n127.0.2.4\r\n$8\r\nendpoint\r\n$9\r\n127.0.2.4\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
            "$199\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 127.0.2.4:8500@18500 master - 0 0 1 connected 0-8191\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 127.0.2.4:8501@18501 myself,master - 0 0 2 connected 8192-16383\n\r\n",
            "*0\r\n",
            "-MOVED 3300 127.0.2.4:8500\r\n",
        ],
    },
    Recorded {
        server: "the emulator",
        protocol: Protocol::Three,
        replies: [
            "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$9\r\n127.0.2.4\r\n:8500\r\n$40\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n*0\r\n*3\r\n:8192\r\n:16383\r\n*4\r\n$9\r\n127.0.2.4\r\n:8501\r\n$40\r\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n*0\r\n",
            "*2\r\n%2\r\n$5\r\nslots\r\n*2\r\n:0\r\n:8191\r\n$5\r\nnodes\r\n*1\r\n%7\r\n$2\r\nid\r\n$40\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n$8\r\ntls-port\r\n:8500\r\n$2\r\nip\r\n$9\r\n127.0.2.4\r\n$8\r\nendpoint\r\n$9\r\n127.0.2.4\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n%2\r\n$5\r\nslots\r\n*2\r\n:8192\r\n:16383\r\n$5\r\nnodes\r\n*1\r\n%7\r\n$2\r\nid\r\n$40\r\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n$8\r\ntls-port\r\n:8501\r\n$2\r\nip\r\n$9\r\n127.0.2.4\r\n$8\r\nendpoint\r\n$9\r\n127.0.2.4\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:0\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
            "$199\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 127.0.2.4:8500@18500 master - 0 0 1 connected 0-8191\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 127.0.2.4:8501@18501 myself,master - 0 0 2 connected 8192-16383\n\r\n",
            "*0\r\n",
            "-MOVED 3300 127.0.2.4:8500\r\n",
        ],
    },
];
