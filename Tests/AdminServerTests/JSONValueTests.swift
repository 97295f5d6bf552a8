import Foundation
import Testing

@testable import AdminServer

@Suite struct JSONValueTests {
    @Test func everyKindOfValueIsWritten() {
        let value: JSONValue = [
            "null": .null, "yes": true, "integer": .integer(UInt64.max), "negative": .integer(-1),
            "number": .number(0.25),
            "infinite": .number(.infinity), "array": [true, [], [:]], "strings": .strings(["a", "b"]),
        ]
        #expect(
            String(decoding: value.bytes, as: UTF8.self)
                == #"{"null":null,"yes":true,"integer":18446744073709551615,"negative":0,"number":0.25,"infinite":null,"#
                + #""array":[true,[],{}],"strings":["a","b"]}"#)
    }

    @Test func anyTextIsReadBackAsItWas() throws {
        for text in ["", "\"\\/\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}", "ü 日本語 🦜 \u{2028}\u{feff}", "</script>\u{fffd}"] {
            let bytes = JSONValue.array([.string(text)]).bytes
            let value = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String]
            #expect(value == [text])
            #expect(!bytes.contains { $0 < 0x20 })
        }
    }
}
