import ArgumentParser
import Testing

@testable import serverfs_bench

@Suite struct OptionTests {
    @Test(arguments: [
        ["--pairs", "0"], ["--seconds", "0"], ["--connections", "1"], ["--threads", "65"], ["speed", "--pairs", "x"],
        ["matrix", "--pairs", "0"], ["matrix", "--only", "nothing"],
        ["matrix", "--only", "stateless", "--only", "copied"], ["scale", "--sizes", ""],
        ["scale", "--sizes", "10,5"], ["scale", "--sizes", "5,5"], ["scale", "--sizes", "1,x"],
        ["scale", "--sizes", "0"], ["scale", "--sizes", "10000001"], ["scale", "--descriptors", "10"],
        ["scale", "--entries", "-1"], ["visit", "elsewhere", "/"], ["race"],
    ])
    func badOptionsAreRefused(arguments: [String]) {
        #expect(throws: (any Error).self) { try ServerfsBench.parseAsRoot(arguments) }
    }

    @Test func speedIsTheDefault() throws {
        let command = try #require(try ServerfsBench.parseAsRoot(["--pairs", "1"]) as? SpeedCommand)
        #expect(command.pairs == 1)
        #expect(command.seconds == 4)
        #expect(command.loadOptions.connections == 400)
    }

    @Test func theMatrixCanBeNarrowed() throws {
        let arguments = ["matrix", "--only", "stateless", "--only", "watched", "--seconds", "2"]
        let command = try #require(try ServerfsBench.parseAsRoot(arguments) as? MatrixCommand)
        #expect(command.only == ["stateless", "watched"])
        #expect(command.seconds == 2)
        #expect(command.pairs == 5)
    }

    @Test func whatFollowsTheDashesIsForTheMount() throws {
        let arguments = ["scale", "--sizes", "10,200", "--", "--fuse-open", "per-open"]
        let command = try #require(try ServerfsBench.parseAsRoot(arguments) as? ScaleCommand)
        #expect(command.sizes.list == [10, 200])
        #expect(command.mountArguments == ["--fuse-open", "per-open"])
        let defaults = try #require(try ServerfsBench.parseAsRoot(["scale"]) as? ScaleCommand)
        #expect(defaults.sizes.defaultValueDescription == "1000,10000,100000,1000000")
    }
}
