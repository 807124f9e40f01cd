//! A person with a browser: keeps cookies, follows links, sends forms.

use std::sync::Mutex;

use super::{TestResponse, TestServer};

/// What a phone's browser says about itself.
pub(crate) const IPHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari";
pub(crate) const ANDROID: &str = "Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome Mobile";
pub(crate) const COMPUTER: &str = "Mozilla/5.0 (X11; Linux x86_64) Chrome";

pub(crate) struct Person<'a> {
    server: &'a TestServer,
    agent: &'static str,
    cookie: Mutex<Option<String>>,
}

impl TestServer {
    /// A person with a new browser on this device.
    pub(crate) fn person(&self, agent: &'static str) -> Person<'_> {
        Person { server: self, agent, cookie: Mutex::default() }
    }
}

impl Person<'_> {
    /// Opens a page, and those that it leads to.
    pub(crate) async fn open(&self, path: &str) -> TestResponse {
        let response = self.send("GET", path, None).await;
        self.follow(response).await
    }

    /// Sends a form, and opens the page that it leads to.
    pub(crate) async fn submit(&self, path: &str, form: &str) -> TestResponse {
        let response = self.send("POST", path, Some(form)).await;
        self.follow(response).await
    }

    /// Begins a test with a provider. Returns the page, which waits for the verification.
    pub(crate) async fn begin(&self, challenge: &str, provider: &str) -> TestResponse {
        let form = format!("provider={provider}&platform=ios");
        self.submit(&format!("/t/{challenge}/participations"), &form).await
    }

    /// Begins a test, and plays an outcome in the simulator. Returns the page after it.
    pub(crate) async fn take(&self, challenge: &str, form: &str) -> TestResponse {
        let page = self.begin(challenge, "bankidse").await;
        self.submit(&link_with(&page, "/tpas/v1/simulator/"), form).await
    }

    async fn follow(&self, mut response: TestResponse) -> TestResponse {
        while response.status == 303 {
            let location = response.header("location").expect("a location").to_owned();
            response = self.send("GET", &location, None).await;
        }
        response
    }

    /// Sends one request as the browser does, and keeps the cookie.
    pub(crate) async fn send(&self, method: &str, path: &str, form: Option<&str>) -> TestResponse {
        let request = self.server.request(method, path);
        let request = request.header("Accept", "text/html,*/*;q=0.8");
        let mut request = request.header("User-Agent", self.agent);
        if let Some(cookie) = &*self.cookie.lock().unwrap() {
            request = request.header("Cookie", cookie);
        }
        if let Some(form) = form {
            request = request.body("application/x-www-form-urlencoded", form.to_owned());
        }
        let response = request.send().await;
        if let Some(cookie) = response.header("set-cookie") {
            *self.cookie.lock().unwrap() = cookie.split(';').next().map(str::to_owned);
        }
        response
    }
}

/// The address of the link on this page that contains `part`.
pub(crate) fn link_with(page: &TestResponse, part: &str) -> String {
    let mut links = page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let link = links.find(|link| link.contains(part));
    let link = link.unwrap_or_else(|| panic!("no link with {part}: {}", page.text));
    link.replace("&amp;", "&")
}
