import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// Who is let in, as it shows on the wire; the rules themselves are tested in AdminServerTests.
    @Suite(.timeLimit(.minutes(2)))
    struct AdminAccessTests {
        private static let token = "a-token_of-24~characters"

        @Test func aNameOfSomebodyElsesIsRefused() throws {
            let site = try AdminSite()
            let port = site.server.adminPort
            for host in ["127.0.0.1:\(port)", "localhost:\(port)", "LOCALHOST:\(port)", "[::1]:\(port)"] {
                #expect(try site.admin.fetch("/status", hosts: [host]).status == 200, "\(host)")
            }
            for host in ["attacker.example:\(port)", "127.0.0.1", "127.0.0.1:\(port + 1)", "localhost", ""] {
                for (path, method, body) in [
                    ("/status", "GET", ""), ("/", "GET", ""), ("/bypass", "PUT", "on"), ("/telemetry", "PUT", "off"),
                    ("/events", "GET", ""),
                ] {
                    let status = try site.admin.fetch(path, method: method, hosts: [host], body: body).status
                    #expect(status == 403 || (host.isEmpty && status == 400), "\(host) \(path): \(status)")
                }
            }
            #expect(try site.admin.fetch("/status", hosts: []).status == 400)
            #expect(try site.admin.fetch("/status", hosts: ["127.0.0.1:\(port)", "x"]).status == 400)
            #expect(try site.status()["bypass"] as? Bool == false)
            #expect(try site.status()["telemetry"] as? Bool == true)
        }

        @Test(arguments: ["bypass", "telemetry"])
        func anotherSitesPageIsRefused(_ name: String) throws {
            let site = try AdminSite(options: ["--telemetry", "off"])
            let own = "http://127.0.0.1:\(site.server.adminPort)"
            for (fields, status) in [
                (["Origin: \(own)", "Sec-Fetch-Site: same-origin"], 200), (["Sec-Fetch-Site: none"], 200),
                (["Origin: https://attacker.example"], 403), (["Origin: null"], 403),
                (["Origin: http://127.0.0.1:1"], 403), (["Sec-Fetch-Site: cross-site"], 403),
                (["Origin: \(own)", "Sec-Fetch-Site: same-site"], 403),
            ] {
                let response = try site.admin.fetch("/\(name)", method: "PUT", fields: fields, body: "on")
                #expect(response.status == status, "\(fields)")
                #expect(try site.status()[name] as? Bool == (status == 200), "\(fields)")
                #expect(try site.admin.fetch("/\(name)", method: "PUT", body: "off").status == 200)
            }
        }

        private func serveWithToken(_ address: String = "127.0.0.1:0") throws -> (AdminClient, Site) {
            let folder = try PrivateFolder()
            let path = try folder.write("token", "\(Self.token)\n")
            let site = try Site(["file": "bytes"], options: ["--admin", address, "--admin-token-file", path])
            return (AdminClient(port: site.server.adminPort), site)
        }

        @Test func theTokenIsNeededForAllButHealth() throws {
            let (admin, site) = try serveWithToken()
            #expect(site.server.bannerValue("admin")?.hasSuffix("(with the token)") == true)
            #expect(try admin.fetch("/healthz").status == 200)
            for (path, method) in [("/", "GET"), ("/status", "GET"), ("/trace?seconds=1", "POST"), ("/no", "GET")] {
                let response = try admin.fetch(path, method: method)
                #expect(response.status == 401)
                #expect(response["WWW-Authenticate"] == "Bearer realm=\"serverfs\"")
            }
            let right = "Authorization: Bearer \(Self.token)"
            #expect(try admin.fetch("/status", fields: [right]).status == 200)
            for wrong in ["Bearer \(Self.token)x", "Bearer", "Basic \(Self.token)", Self.token, ""] {
                #expect(try admin.fetch("/status", fields: ["Authorization: \(wrong)"]).status == 401, "\(wrong)")
            }
            #expect(try admin.fetch("/status", fields: [right, right]).status == 401)
            // A token does not make another site's page welcome.
            #expect(try admin.fetch("/status", hosts: ["attacker.example"], fields: [right]).status == 403)
        }

        @Test func theTokenInTheAddressGivesACookie() throws {
            let (admin, site) = try serveWithToken()
            #expect(try admin.fetch("/?token=wrong-token-of-24-letters").status == 401)
            let response = try admin.fetch("/?token=\(Self.token)")
            #expect(response.status == 303)
            #expect(response["Location"] == "/")
            let cookie = try #require(response["Set-Cookie"])
            #expect(cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Strict"))
            #expect(!cookie.contains(Self.token))
            let pair = String(cookie.prefix { $0 != ";" })
            for path in ["/", "/status"] {
                #expect(try admin.fetch(path, fields: ["Cookie: a=b; \(pair); c"]).status == 200)
            }
            #expect(try admin.fetch("/status", fields: ["Cookie: \(pair)0"]).status == 401)
            #expect(try admin.fetch("/status", fields: ["Cookie: x\(pair)"]).status == 401)
            withExtendedLifetime(site) {}
        }

        @Test func anAddressThatOthersReachNeedsAToken() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            for address in ["0.0.0.0:0", "[::]:0"] {
                try FailedStart([docroot, "--listen", "127.0.0.1:0", "--admin", address], in: folder)
                    .expectRefusal("--admin \(address) can be reached from other machines", "--admin-token-file")
            }
            let (admin, site) = try serveWithToken("0.0.0.0:0")
            let right = "Authorization: Bearer \(Self.token)"
            #expect(try admin.fetch("/status", fields: [right]).status == 200)
            #expect(try admin.fetch("/status").status == 401)
            withExtendedLifetime(site) {}
        }

        @Test func aTokenFileThatIsNoneIsRefused() throws {
            let folder = try PrivateFolder()
            let docroot = try folder.makeFolder("docroot")
            let options = [docroot, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--admin-token-file"]
            try FailedStart(options + ["\(folder.path)/missing"], in: folder)
                .expectRefusal("token file \(folder.path)/missing", "No such file or directory")
            for contents in ["", "short", String(repeating: "x", count: 5000), "spaces in the middle of it"] {
                let path = try folder.write("token", contents)
                try FailedStart(options + [path], in: folder).expectRefusal("token file \(path)", "16 to 256")
            }
            try FailedStart([docroot, "--admin", "off", "--admin-token-file", "x"], in: folder)
                .expectUsageError("--admin-token-file")
        }
    }
}
