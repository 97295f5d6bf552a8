import Testing

@testable import Telemetry

/// Which threads FUSE requests are known to come from.
struct FuseCallerTests {
    @Test func whoFindsNoPlaceIsNobody() throws {
        let places = FuseCallerPlaces(capacity: 2)
        let first = try #require(places.enter(threadID: 11))
        _ = try #require(places.enter(threadID: 12))
        #expect(places.enter(threadID: 13) == nil)
        // Its FUSE requests are counted for none of the others.
        #expect(places.find(threadID: 13) == nil)
        places.find(threadID: 11)?.countRequest()
        places.find(threadID: 13)?.countRequest()
        #expect(first.requests == 1)
        #expect(places.find(threadID: 12)?.requests == 0)
    }

    @Test func aPlaceThatIsLeftIsAnothers() throws {
        let places = FuseCallerPlaces(capacity: 1)
        let first = try #require(places.enter(threadID: 11))
        first.request = 7
        places.find(threadID: 11)?.countRequest()
        first.leave()
        #expect(places.find(threadID: 11) == nil)
        let second = try #require(places.enter(threadID: 13))
        #expect(places.find(threadID: 13)?.request == 0)
        // It counts on: who reads takes differences.
        #expect(second.requests == 1)
        places.find(threadID: 13)?.countRequest()
        #expect(second.requests == 2)
    }

    /// Requests that no thread makes have 0 there.
    @Test func aThreadWithoutIDIsNobody() {
        #expect(FuseCallerPlaces(capacity: 1).find(threadID: 0) == nil)
        #expect(FuseCaller.find(threadID: 0) == nil)
    }
}
