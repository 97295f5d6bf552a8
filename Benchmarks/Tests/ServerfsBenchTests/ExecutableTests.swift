import Testing

@testable import serverfs_bench

@Suite struct ExecutableTests {
    @Test func aMissingProgramIsNamedWithItsRemedy() {
        let failure = #expect(throws: BenchFailure.self) {
            try Executable.required("no-such-program", package: "a-package")
        }
        #expect(failure?.cause.exitStatus == 69)
        #expect(failure?.message.contains("no-such-program is missing: run `make bench`") == true)
        #expect(failure?.message.contains("a-package") == true)
    }

    @Test func theShellIsFound() {
        #expect(Executable.path(of: "sh")?.hasSuffix("/sh") == true)
    }
}
