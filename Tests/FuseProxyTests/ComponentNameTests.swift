import Testing

@testable import FuseProxy

@Suite struct ComponentNameTests {
    @Test(arguments: ["", ".", "..", String(repeating: "a", count: 256)])
    func refusesWhatIsNotAChildsName(text: String) {
        #expect(ComponentName(text) == nil)
    }

    @Test(arguments: ["a", "...", ".x", "..x", String(repeating: "ä", count: 127), String(repeating: "a", count: 255)])
    func keepsEveryByte(_ name: String) throws {
        let component = try #require(ComponentName(name))
        #expect(component.count == name.utf8.count)
        #expect(text(component) == name)
    }

    @Test func keepsBytesThatAreNoText() throws {
        let bytes: [CChar] = [-1, 1, 10, -128, 0]
        let component = try #require(ComponentName(bytes))
        #expect(component.withBytes { Array($0) } == [-1, 1, 10, -128])
    }
}
