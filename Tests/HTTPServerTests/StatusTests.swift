import HTTPMessage
import Platform
import Testing

@testable import HTTPServer

@Suite struct StatusTests {
    @Test(
        arguments: [
            (.noSuchFileOrDirectory, .notFound), (.notDirectory, .notFound), (.permissionDenied, .forbidden),
            (.notPermitted, .forbidden), (.improperLink, .forbidden), (.tooManySymbolicLinkLevels, .forbidden),
            (.fileNameTooLong, .uriTooLong), (.tooManyOpenFiles, .serviceUnavailable),
            (.tooManyOpenFilesInSystem, .serviceUnavailable), (.noMemory, .serviceUnavailable), (.ioError, .badGateway),
            (.socketNotConnected, .badGateway), (.invalidArgument, .internalServerError),
        ] as [(Errno, HTTPStatus)])
    func everyErrorHasItsStatus(error: Errno, status: HTTPStatus) {
        #expect(HTTPStatus(errno: error) == status)
    }

    @Test func theBypassSwitchTogglesAndTellsWhatItIsNow() {
        let bypass = BypassSwitch(isOn: false)
        #expect(bypass.toggle())
        #expect(bypass.isOn)
        #expect(!bypass.toggle())
        #expect(!bypass.isOn)
    }
}
