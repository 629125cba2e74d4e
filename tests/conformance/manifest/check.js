// Prints what Atlassian's validator says of the manifest that is named, as one line of JSON.
const { validate } = require("@forge/manifest");

validate(false, process.argv[2]).then(
  ({ success, errors }) => {
    console.log(JSON.stringify({ success, errors: errors || [] }));
  },
  (error) => {
    console.error(error);
    process.exit(2);
  },
);
