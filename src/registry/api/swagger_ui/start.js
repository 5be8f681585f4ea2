// Starts Swagger UI. The server appends the call of `ui.initOAuth`, with the client that it fills in.

// Swagger UI sends whatever it has filled in. So it fills in nothing that may be left out, and no
// Idempotency-Key that somebody else has sent.
const fillIn = (parameter) => {
  if (parameter.name === 'Idempotency-Key') {
    return {...parameter, example: `try-${Math.random().toString(36).slice(2, 10)}`};
  }
  if (parameter.required || parameter.example === undefined || 'default' in parameter.schema) {
    return parameter;
  }
  const {example, ...rest} = parameter;
  return {...rest, description: `${rest.description}, such as \`${example}\``};
};

const prepare = (response) => {
  if (!response.url.endsWith('/openapi.json')) {
    return response;
  }
  const contract = JSON.parse(response.text);
  const shared = contract.components.parameters;
  Object.keys(shared).forEach((name) => { shared[name] = fillIn(shared[name]); });
  Object.values(contract.paths).flatMap(Object.values).forEach((operation) => {
    operation.parameters = (operation.parameters ?? []).map(fillIn);
  });
  return {...response, text: JSON.stringify(contract)};
};

// Tokens last five minutes at most, and Swagger UI gets no new ones by itself.
let renewal;
const stayAuthorized = () => ({statePlugins: {auth: {wrapActions: {
  authorizeOauth2: (authorize, {authActions}) => (granted) => {
    clearTimeout(renewal);
    const milliseconds = 800 * granted.token.expires_in;
    renewal = setTimeout(() => authActions.authorizeApplication(granted.auth), milliseconds);
    return authorize(granted);
  },
  logout: (leave) => (names) => {
    clearTimeout(renewal);
    return leave(names);
  },
}}}});

const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  plugins: [stayAuthorized],
  responseInterceptor: prepare,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
