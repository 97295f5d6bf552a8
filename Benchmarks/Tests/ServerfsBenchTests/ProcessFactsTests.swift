import Glibc
import Testing

@testable import serverfs_bench

@Suite struct ProcessFactsTests {
    @Test func kilobytesAreFoundByTheirWholeName() {
        let text = "VmRSSx:\t 1 kB\nVmRSS:\t  1234 kB\nPrivate_Dirty:      56 kB\n"
        #expect(ProcessFacts.kilobytes("VmRSS", in: text) == 1234)
        #expect(ProcessFacts.kilobytes("Private_Dirty", in: text) == 56)
        #expect(ProcessFacts.kilobytes("Rss", in: text) == 0)
    }

    @Test func aLivingProcessHasMemoryAndDescriptors() {
        #expect(ProcessFacts.residentBytes(getpid()) > 1 << 20)
        #expect(ProcessFacts.privateDirtyBytes(getpid()) > 100 << 10)
        #expect(ProcessFacts.descriptorCount(getpid()) >= 3)
        #expect(ProcessFacts.fuseThreadNanoseconds(getpid()) == 0)
    }

    @Test func whatAProcessComputesTakesItsTime() {
        let before = ProcessFacts.processorNanoseconds(getpid())
        let deadline = ProcessFacts.nanoseconds(CLOCK_THREAD_CPUTIME_ID) + 20_000_000
        while ProcessFacts.nanoseconds(CLOCK_THREAD_CPUTIME_ID) < deadline {}
        #expect(ProcessFacts.processorNanoseconds(getpid()) - before >= 20_000_000)
        #expect(ProcessFacts.processorNanoseconds(0x7fff_fffe) == 0)
    }

    @Test(arguments: [
        ("wrk debian/4.1.0-3 [epoll] Copyright (C) 2012", "4.1.0-3"), ("nginx version: nginx/1.22.1", "1.22.1"),
        ("0.1.0", "0.1.0"), ("", "?"),
    ])
    func versionsAreFound(line: String, version: String) {
        #expect(Machine.version(in: line) == version)
    }
}
