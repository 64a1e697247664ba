# What is wrong with a description of an installation; nothing where nothing is. It goes into files that programs read:
# each value has a form, and a name that is not known is refused.
def text($form): type == "string" and test("^(" + $form + ")$");
def only($names): keys - $names;
def range: text("[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}");
def port: type == "number" and . >= 1 and . <= 65535 and . == floor;

if type != "object" then "it is no object"
elif .pgctl != 1 then "pgctl is not 1"
elif (only(["pgctl", "installation", "network", "audit"]) | length) > 0
  then "unknown: \(only(["pgctl", "installation", "network", "audit"]) | join(", "))"
elif (.installation | type) != "object" then "installation is missing"
elif (.installation | only(["name", "workspace", "account", "region", "product", "namespace"]) | length) > 0
  then "installation has more than name, workspace, account, region, product, namespace"
elif (.installation.name | text("[a-z0-9][a-z0-9-]*") | not) then "installation.name is no name"
elif (.installation.workspace | text("[A-Za-z0-9][A-Za-z0-9-]*") | not) then "installation.workspace is no name"
elif (.installation.account | text("[0-9]{12}") | not) then "installation.account has not 12 digits"
elif (.installation.region | text("[a-z]{2}(-[a-z]+)+-[0-9]") | not) then "installation.region is no region"
elif (.network.ranges // [] | map(range) | all | not) then "network.ranges are no ranges as 10.0.0.0/16"
elif (.network.ports // [] | map(port) | all | not) then "network.ports are no ports"
elif (.network.reach // [] | map((.to | range) and (.port | port)) | all | not)
  then "network.reach holds more than {to, port}"
elif has("audit") and (.audit.logGroup | text("[A-Za-z0-9_./#-]+") | not) then "audit.logGroup is no name"
else empty
end
